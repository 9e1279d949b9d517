//! A model that went through a file predicts the same; a file that is damaged is refused with a sentence.

use burn_ndarray::{NdArray, NdArrayDevice};
use ran_learning::{LearningConfig, LearningError, Model, ModelConfig, ReadoutConfig, train};
use ran_reservoir::{PopulationConfig, ReservoirConfig, UnitKind};
use ran_tasks::{Dataset, TaskConfig};
use ran_unit::Output;
use safetensors::SafeTensors;

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

/// Japanese Vowels with every ninth sequence: all speakers, 30 sequences to train on and 42 to be judged on.
fn few_samples() -> Dataset {
    let task = TaskConfig::JapaneseVowels(Default::default());
    let mut dataset = task.load(0).expect("the task comes with the project");
    for split in [&mut dataset.train, &mut dataset.test] {
        *split = split.iter().step_by(9).cloned().collect();
    }
    dataset
}

/// Two kinds of unit, 24 slots in all.
fn config() -> ModelConfig {
    let mut block = PopulationConfig::new(UnitKind::AttentionBlock, 4, 4);
    block.output = Some(Output::Tanh);
    let neurons = PopulationConfig::new(UnitKind::TanhUnit, 8, 1);
    ModelConfig {
        input_map: None,
        network: None,
        reservoir: ReservoirConfig::new(3, vec![block, neurons]),
        learning: LearningConfig::default(),
        readout: ReadoutConfig::default(),
    }
}

pub(crate) fn trained_bytes() -> Vec<u8> {
    let trained = train::<B>(&config(), &few_samples(), 1, &DEVICE, &mut |_| {});
    let model = trained.expect("the configuration fits the task").model;
    model.to_bytes().expect("a model's numbers are plain")
}

#[track_caller]
pub(crate) fn refusal(bytes: Vec<u8>) -> String {
    match Model::<B>::from_bytes(bytes, &DEVICE) {
        Err(error @ LearningError::ModelFile(_)) => error.to_string(),
        Err(error) => panic!("refused, but not as a model file: {error}"),
        Ok(_) => panic!("a damaged file was taken for a model"),
    }
}

/// The same file with another text for the card: the header's length stands in front, as 8 bytes.
pub(crate) fn with_card(bytes: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
    let (length, _) = SafeTensors::read_metadata(bytes).expect("the file is whole");
    let header = std::str::from_utf8(&bytes[8..8 + length]).expect("a header is text");
    let changed = change(header);
    assert_ne!(changed, header, "the change found nothing to change");
    let mut file = (changed.len() as u64).to_le_bytes().to_vec();
    file.extend(changed.as_bytes());
    file.extend(&bytes[8 + length..]);
    file
}

#[test]
fn a_model_that_went_through_a_file_predicts_the_same() {
    let dataset = few_samples();
    let trained = train::<B>(&config(), &dataset, 1, &DEVICE, &mut |_| {});
    let model = trained.expect("the configuration fits the task").model;
    let bytes = model.to_bytes().expect("a model's numbers are plain");
    let restored = Model::<B>::from_bytes(bytes.clone(), &DEVICE).expect("its own file is right");
    assert_eq!(restored.card, model.card);
    assert_eq!(
        restored.reservoir().unwrap().wiring(),
        model.reservoir().unwrap().wiring()
    );
    let expected = model.predict(&dataset.test, &DEVICE);
    assert_eq!(restored.predict(&dataset.test, &DEVICE), expected);
    assert_ne!(expected[0], expected[expected.len() - 1]);
    let again = restored.to_bytes().expect("a model's numbers are plain");
    assert!(again == bytes, "the same model is the same bytes");
    let twice = Model::<B>::from_bytes(again, &DEVICE).expect("its own file is right");
    assert_eq!(twice.predict(&dataset.test, &DEVICE), expected);
}

#[test]
fn one_seed_gives_one_report_and_another_seed_another_model() {
    let dataset = few_samples();
    let run = |seed| {
        train::<B>(&config(), &dataset, seed, &DEVICE, &mut |_| {})
            .expect("the configuration fits the task")
    };
    let (first, second, other) = (run(1), run(1), run(2));
    assert_eq!(first.report, second.report);
    let predictions = |model: &Model<B>| model.predict(&dataset.test, &DEVICE);
    assert_eq!(predictions(&first.model), predictions(&second.model));
    assert_ne!(predictions(&first.model), predictions(&other.model));
    // Nine speakers: guessing is right once in nine.
    assert!(first.report.train > 0.5, "{:?}", first.report);
    assert!(first.report.test > Some(0.2), "{:?}", first.report);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = trained_bytes();
    for kept in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        let sentence = refusal(bytes[..kept].to_vec());
        assert!(
            sentence.starts_with("the model file is truncated or no safetensors file"),
            "{kept} bytes: {sentence}"
        );
    }
}

#[test]
fn garbage_and_other_peoples_files_are_refused() {
    let sentence = refusal(b"this is no model, and it is long enough to be a header".to_vec());
    assert!(
        sentence.contains("truncated or no safetensors file"),
        "{sentence}"
    );
    let foreign = with_card(&trained_bytes(), |header| {
        header.replacen("\"ran\":", "\"car\":", 1)
    });
    let sentence = refusal(foreign);
    assert!(
        sentence.contains("has no \"ran\" entry in its metadata"),
        "{sentence}"
    );
    let damaged = with_card(&trained_bytes(), |header| {
        header.replacen(r#"\"leak\""#, r#"\"leek\""#, 1)
    });
    let sentence = refusal(damaged);
    assert!(sentence.contains("is damaged: its card"), "{sentence}");
    assert!(sentence.contains("leek"), "{sentence}");
    let own = env!("CARGO_PKG_VERSION");
    let future = with_card(&trained_bytes(), |header| {
        let version = format!(r#"\"version\":\"{own}\""#);
        header.replacen(&version, r#"\"version\":\"99.1.0\""#, 1)
    });
    let sentence = refusal(future);
    assert!(sentence.contains("is of version \"99.1.0\""), "{sentence}");
    assert!(sentence.contains(own), "{sentence}");
}

#[test]
fn a_card_that_asks_for_other_shapes_is_refused_naming_expected_and_got() {
    let bytes = trained_bytes();
    // One attention unit more: its weights are looked at first.
    let units = with_card(&bytes, |header| {
        header.replacen(r#"\"units\":4"#, r#"\"units\":5"#, 1)
    });
    let sentence = refusal(units);
    assert!(sentence.contains("with shape [4, 4, 4]"), "{sentence}");
    assert!(sentence.contains("asks for [5, 4, 4]"), "{sentence}");

    let kind = with_card(&bytes, |header| {
        let kind = r#"\"kind\":\"tanh-unit\""#;
        header.replacen(kind, r#"\"kind\":\"memory-unit\""#, 1)
    });
    let sentence = refusal(kind);
    assert!(sentence.contains("lacks "), "{sentence}");
    assert!(sentence.contains("with shape [8, 1, 4]"), "{sentence}");

    let outputs = with_card(&bytes, |header| {
        let header = header.replacen(r#"\"d_output\":9"#, r#"\"d_output\":8"#, 1);
        let (before, after) = header
            .split_once(r#"\"labels\":["#)
            .expect("classes have names");
        let (_, after) = after.split_once(']').expect("a list ends");
        format!(r#"{before}\"labels\":[]{after}"#)
    });
    let sentence = refusal(outputs);
    // The mean and the last of 24 states.
    assert!(sentence.contains("with shape [48, 9]"), "{sentence}");
    assert!(sentence.contains("asks for [48, 8]"), "{sentence}");
}

#[test]
fn a_file_with_a_tensor_that_no_part_asks_for_is_refused() {
    let bytes = trained_bytes();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).expect("the file is whole");
    let file = SafeTensors::deserialize(&bytes).expect("the file is whole");
    let mut tensors = file.tensors();
    tensors.push(("readout.spare".into(), tensors[0].1.clone()));
    let more = safetensors::serialize(tensors, metadata.metadata().clone());
    let sentence = refusal(more.expect("the names differ"));
    assert!(
        sentence.contains("holds readout.spare, which its configuration does not ask for"),
        "{sentence}"
    );
}

#[test]
fn a_file_whose_wiring_reads_what_is_not_there_is_refused() {
    let bytes = trained_bytes();
    let file = SafeTensors::deserialize(&bytes).expect("the file is whole");
    let sources = file.tensor("wiring.sources").expect("a file has a wiring");
    let at = sources.data().as_ptr() as usize - bytes.as_ptr() as usize;
    let length = sources.data().len();
    let mut damaged = bytes.clone();
    damaged[at..at + length].fill(0x7f);
    let sentence = refusal(damaged);
    assert!(sentence.contains("is damaged: "), "{sentence}");
}
