//! A model file that was made to do harm is refused with a sentence that names what is wrong.

use safetensors::SafeTensors;

use crate::model_file::{refusal, trained_bytes, with_card};

/// What is said of a model whose card has one text in place of another.
#[track_caller]
fn of_card(from: &str, to: &str) -> String {
    let quoted = |text: &str| text.replace('"', "\\\"");
    let (from, to) = (quoted(from), quoted(to));
    refusal(with_card(&trained_bytes(), |header| {
        header.replacen(&from, &to, 1)
    }))
}

#[test]
fn a_card_with_absurd_numbers_is_refused_before_anything_is_made() {
    let huge = 1_u64 << 62;
    let table: [(&str, String, &[&str]); 12] = [
        (
            "\"d_output\":9",
            format!("\"d_output\":{huge}"),
            &["weights of the readout"],
        ),
        (
            "\"d_output\":9",
            "\"d_output\":0".into(),
            &["d_output = 0", "at least 1"],
        ),
        (
            "\"d_output\":9",
            "\"d_output\":-9".into(),
            &["invalid value", "-9"],
        ),
        (
            "\"d_input\":12",
            format!("\"d_input\":{huge}"),
            &["4611686018427387904 inputs"],
        ),
        ("\"d_input\":12", "\"d_input\":0".into(), &["d_input = 0"]),
        (
            "\"d_input\":12",
            "\"d_input\":13".into(),
            &["standardiser.mean of 12", "13 inputs"],
        ),
        (
            "\"units\":4",
            format!("\"units\":{huge}"),
            &["reservoir.population", "slots"],
        ),
        (
            "\"units\":4",
            "\"units\":1000000".into(),
            &["weights of the reservoir"],
        ),
        (
            "\"units\":4",
            "\"units\":0".into(),
            &["population[0].units", "at least 1"],
        ),
        (
            "\"units\":4",
            "\"heads\":0,\"units\":4".into(),
            &["population[0].heads", "0 heads"],
        ),
        (
            "\"context\":3",
            "\"context\":0".into(),
            &["reservoir.context", "got 0"],
        ),
        (
            "\"leak\":1.0",
            "\"leak\":-1.0".into(),
            &["reservoir.leak", "got -1"],
        ),
    ];
    for (from, to, words) in table {
        let sentence = of_card(from, &to);
        assert!(sentence.contains("its card"), "{to}: {sentence}");
        for word in words {
            assert!(sentence.contains(word), "{to}: {sentence}");
        }
    }
}

#[test]
fn a_standardiser_that_does_not_fit_is_refused() {
    for (to, words) in [
        (
            "\"standardiser\":{\"mean\":[0.0],",
            "standardiser.mean of 1",
        ),
        ("\"standardiser\":{\"mean\":[1e39,", "in standardiser.mean"),
    ] {
        let sentence = refusal(with_card(&trained_bytes(), |header| {
            let start = header
                .find("\\\"standardiser\\\":{")
                .expect("it standardises");
            let first = &header[start..];
            let end = match to.ends_with("],") {
                true => first.find("],").expect("a list ends") + 2,
                false => first.find(',').expect("a list has several") + 1,
            };
            let to = to.replace('"', "\\\"");
            format!("{}{to}{}", &header[..start], &first[end..])
        }));
        assert!(sentence.contains(words), "{sentence}");
    }
    let sentence = of_card("\"deviation\":[", "\"deviation\":[0.0,");
    assert!(
        sentence.contains("standardiser.deviation of 13 numbers"),
        "{sentence}"
    );
}

#[test]
fn one_label_for_nine_outputs_is_refused() {
    let sentence = refusal(with_card(&trained_bytes(), |header| {
        let start = header.find("\\\"labels\\\":[").expect("classes have names");
        let end = start + header[start..].find(']').expect("a list ends");
        format!(
            "{}\\\"labels\\\":[\\\"one\\\"{}",
            &header[..start],
            &header[end..]
        )
    }));
    assert!(sentence.contains("1 labels for 9 outputs"), "{sentence}");
}

#[test]
fn more_populations_than_there_can_be_are_refused_at_once() {
    let one = "{\"kind\":\"tanh-unit\",\"units\":1,\"d_unit\":1},".repeat(50_000);
    let sentence = of_card("\"population\":[", &format!("\"population\":[{one}"));
    assert!(
        sentence.contains("at most 4096 populations, got 50002"),
        "{sentence}"
    );
}

#[test]
fn numbers_that_are_not_finite_are_refused_naming_their_tensor() {
    let bytes = trained_bytes();
    let file = SafeTensors::deserialize(&bytes).expect("the file is whole");
    let mut floats = 0;
    for (name, tensor) in file.tensors() {
        if tensor.dtype() != safetensors::Dtype::F32 {
            continue;
        }
        floats += 1;
        let at = tensor.data().as_ptr() as usize - bytes.as_ptr() as usize;
        let last = at + tensor.data().len() - 4;
        for (value, word) in [(f32::NAN, "NaN"), (f32::NEG_INFINITY, "-inf")] {
            let mut damaged = bytes.clone();
            damaged[last..last + 4].copy_from_slice(&value.to_le_bytes());
            let sentence = refusal(damaged);
            let words = format!("holds {word} in {name}, at place ");
            assert!(sentence.contains(&words), "{name}: {sentence}");
        }
    }
    assert!(floats > 8, "{floats} tensors");
}

#[test]
fn a_tensor_of_another_type_of_numbers_is_refused() {
    let changed = with_card(&trained_bytes(), |header| {
        let (before, after) = header
            .split_once("\"readout.bias\":")
            .expect("it has a bias");
        let after = after.replacen("\"F32\"", "\"U32\"", 1);
        format!("{before}\"readout.bias\":{after}")
    });
    let sentence = refusal(changed);
    assert!(sentence.contains("holds readout.bias as U32"), "{sentence}");
}
