//! Every network against values that PyTorch computed: tests/peers/baselines_golden.py and baselines_golden_2.py.

use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use ran_baselines::{BaselineConfig, Network};
use safetensors::SafeTensors;

use crate::{B, D_INPUT, DEVICE, changed, difference, drawn};

const NAMES: &[&str] = &[
    "gru",
    "lstm",
    "transformer",
    "transformer-context",
    "transformer-cogscale",
    "retnet",
    "rwkv",
    "mamba",
    "mamba-no-window",
    "mamba-cogscale",
    "echo-state-transformer",
];

fn data(file: &SafeTensors<'_>, name: &str) -> TensorData {
    let view = file
        .tensor(name)
        .unwrap_or_else(|_| panic!("the file lacks {name}"));
    let numbers = view.data().chunks_exact(8);
    let numbers = numbers.map(|bytes| f64::from_le_bytes(bytes.try_into().expect("8 bytes")));
    TensorData::new(numbers.collect::<Vec<_>>(), view.shape().to_vec())
}

#[test]
fn features_and_memory_are_those_of_pytorch() {
    for name in NAMES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let bytes = std::fs::read(folder.join(format!("{name}.safetensors"))).expect(name);
        let file = SafeTensors::deserialize(&bytes).expect(name);
        let (_, header) = SafeTensors::read_metadata(&bytes).expect(name);
        let config = &header.metadata().as_ref().expect(name)["config"];
        let config: BaselineConfig = serde_json::from_str(config).expect(name);

        let mut unread: Vec<&str> = file.names();
        let mut read = |name: &str| {
            unread.retain(|other| *other != name);
            data(&file, name)
        };
        let network = changed(drawn(&config, 0), |path, _| read(path));
        let inputs: Tensor<B, 3> = Tensor::from_data(read("inputs"), &DEVICE);
        let expected = Tensor::from_data(read("features"), &DEVICE);
        assert_eq!(inputs.dims()[2], D_INPUT);

        let start = network.start(inputs.dims()[0], &DEVICE);
        let (features, memory) = network.forward(inputs, start);
        let off = difference(&features, &expected);
        assert!(off < 1e-12, "{name}: features are off by {off}");
        // Features that hardly vary would hide what is wrong.
        assert!(numbers_vary(&features), "{name}");
        for (part, tensor) in memory.parts() {
            let part = format!("memory.{part}");
            if file.tensor(&part).is_err() {
                continue;
            }
            let expected: Tensor<B, 2> = Tensor::from_data(read(&part), &DEVICE);
            let off = difference(&expected.reshape(tensor.dims()), tensor);
            assert!(off < 1e-12, "{name}: {part} is off by {off}");
        }
        assert!(unread.is_empty(), "{name}: nothing reads {unread:?}");
    }
}

fn numbers_vary(features: &Tensor<B, 3>) -> bool {
    let mean = features.clone().mean_dim(1);
    difference(features, &mean.repeat_dim(1, features.dims()[1])) > 0.1
}
