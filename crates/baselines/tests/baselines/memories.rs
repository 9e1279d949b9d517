//! Memories that are saved and brought back, and those that are refused.

use burn::tensor::TensorData;
use ran_baselines::{Baseline, BaselineConfig, BaselineError, GatedConfig, MemoryData, Network};

use crate::{B, D_INPUT, DEVICE, drawn, every_config, noise};

fn after(network: &Baseline<B>, steps: usize) -> MemoryData {
    let inputs = noise([2, steps, D_INPUT], 30);
    let (_, memory) = network.forward(inputs, network.start(2, &DEVICE));
    memory.to_data()
}

fn refusal(network: &Baseline<B>, saved: &MemoryData) -> String {
    let refused = network.restore(saved, &DEVICE);
    refused.expect_err("a memory that does not fit").to_string()
}

#[test]
fn a_memory_comes_back_as_it_was_saved() {
    for config in every_config() {
        let network = drawn(&config, 31);
        let start = network.start(2, &DEVICE).to_data();
        for saved in [start, after(&network, 1), after(&network, 7)] {
            let restored = network.restore(&saved, &DEVICE).unwrap();
            assert_eq!(restored.to_data(), saved, "{config:?}");
        }
    }
}

#[test]
fn another_networks_memory_is_refused() {
    for config in every_config() {
        let network = drawn(&config, 32);
        for other in every_config() {
            let same = std::mem::discriminant(&config) == std::mem::discriminant(&other);
            let saved = after(&drawn(&other, 32), 3);
            if !same {
                let error = network.restore(&saved, &DEVICE).unwrap_err();
                assert!(
                    matches!(error, BaselineError::OtherNetwork { .. }),
                    "{error}"
                );
            }
        }
    }
    let small = BaselineConfig::Gru(GatedConfig {
        width: 4,
        layers: 2,
    });
    let large = BaselineConfig::Gru(GatedConfig {
        width: 5,
        layers: 2,
    });
    let deep = BaselineConfig::Gru(GatedConfig {
        width: 4,
        layers: 3,
    });
    let network = drawn(&small, 33);
    assert_eq!(
        refusal(&network, &after(&drawn(&large, 33), 1)),
        "the saved memory's layers.0.hidden has shape [2, 1, 1, 5], the network needs [2, 1, 1, 4]"
    );
    assert_eq!(
        refusal(&network, &after(&drawn(&deep, 33), 1)),
        r#"the saved memory has the parts ["layers.0.hidden", "layers.1.hidden", "layers.2.hidden"], the network needs ["layers.0.hidden", "layers.1.hidden"]"#
    );
    assert_eq!(
        refusal(
            &network,
            &MemoryData {
                network: "lstm".into(),
                ..after(&network, 1)
            }
        ),
        "the saved memory is that of the network `lstm`, this one is `gru`"
    );
}

#[test]
fn a_memory_that_was_tampered_with_is_refused() {
    for config in every_config() {
        let network = drawn(&config, 34);
        let saved = after(&network, 4);
        let mut late = saved.clone();
        late.position = usize::MAX;
        let problem = refusal(&network, &late);
        assert!(problem.contains("18446744073709551615 steps"), "{problem}");
        if saved.parts.is_empty() {
            continue;
        }
        let last = saved.parts.len() - 1;
        let shape = saved.parts[last].data.shape.to_vec();

        let mut whole_numbers = saved.clone();
        let count = shape.iter().product();
        whole_numbers.parts[last].data = TensorData::new(vec![1_i32; count], shape.clone());
        let problem = refusal(&network, &whole_numbers);
        assert!(problem.contains("float numbers, got"), "{problem}");

        let mut cut = saved.clone();
        cut.parts[last].data.bytes = burn::tensor::Bytes::from_elems(vec![0.0_f64; 3]);
        let problem = refusal(&network, &cut);
        assert!(problem.contains("got 24 bytes of F64"), "{problem}");

        let mut flat = saved.clone();
        flat.parts[last].data = TensorData::new(vec![0.0_f64; count], [count]);
        assert!(refusal(&network, &flat).contains("the network needs"));

        let mut empty = saved.clone();
        for part in &mut empty.parts {
            let mut shape = part.data.shape.to_vec();
            shape[0] = 0;
            part.data = TensorData::new(Vec::<f64>::new(), shape);
        }
        assert!(refusal(&network, &empty).contains("the network needs"));
    }
}

#[test]
#[should_panic(expected = "the memory's parts must have the network's shapes")]
fn a_memory_of_another_batch_panics() {
    let network = drawn(&every_config()[0], 35);
    let _ = network.forward(noise([2, 3, D_INPUT], 35), network.start(1, &DEVICE));
}

#[test]
#[should_panic(expected = "d_input = 3")]
fn inputs_of_another_width_panic() {
    let network = drawn(&every_config()[0], 36);
    let _ = network.forward(noise([1, 3, 2], 36), network.start(1, &DEVICE));
}
