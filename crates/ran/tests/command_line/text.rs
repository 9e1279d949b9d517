//! A text: training on it, and going on with it.

use std::fs;
use std::path::Path;

use ran_tasks::{Npz, Values};

use crate::{Outcome, run};

/// A network that learns a text of a few words in a moment.
const CONFIG: &str = "[task]\nname = 'text'\nfile = 'words.txt'\nsegment = 8\n[input_map]\nwidth = 8\n[reservoir]\ncontext = 4\n\
                      input_share = 0.5\n[[reservoir.population]]\nkind = 'attention-block'\nunits = 2\nd_unit = 16\n[learning]\n\
                      regime = 'full'\nepochs = 12\nbatch = 4\ncarry = true\nlearning_rate = 0.01\n";

fn trained(folder: &Path) -> Outcome {
    fs::write(folder.join("words.txt"), "hot tea, hot milk; ".repeat(60)).unwrap();
    fs::write(folder.join("words.toml"), CONFIG).unwrap();
    let arguments = [
        "experiment",
        "words.toml",
        "--quiet",
        "--json",
        "--out",
        "out",
    ];
    run(folder, &arguments)
}

fn generate(folder: &Path, options: &[&str]) -> Outcome {
    let model = ["experiment", "generate", "out/model.safetensors"];
    run(folder, &[&model[..], options].concat())
}

#[test]
fn a_text_is_learnt_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let outcome = trained(folder);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    let record = &outcome.lines()[0];
    assert_eq!(record["metric"], "cross-entropy");
    assert!(record["test"].as_f64().unwrap() < 0.3, "{record}");
    for score in ["accuracy", "bits-per-symbol", "perplexity"] {
        assert!(record["scores"]["test"][score].is_number(), "{record}");
    }
    let probable = generate(
        folder,
        &["--prompt", "hot ", "--top-k", "1", "--length", "20"],
    );
    assert_eq!(probable.code, Some(0), "{}", probable.err);
    // What comes after "hot " is open; that it is one of the two, and goes on as it does, is not.
    let after = |text: &str| {
        ["tea, hot ", "milk; hot "]
            .iter()
            .any(|words| text.starts_with(words))
    };
    let text = probable
        .out
        .strip_prefix("hot ")
        .expect("the prompt is first");
    assert!(after(text) && text.chars().count() == 21, "{text}");
    let drawn = |seed: &str| generate(folder, &["--temperature", "1.5", "--seed", seed]).out;
    assert_eq!(drawn("1"), drawn("1"));
    assert_ne!(drawn("1"), drawn("2"));
    // The text has no line break: it begins with the first of its symbols, and a line break ends what is printed.
    assert!(drawn("1").starts_with(' '));
    assert_eq!(drawn("1").chars().count(), 502);
    for option in ["--top-k", "--length", "--seed"] {
        let refused = generate(folder, &[option, "-1"]);
        assert_eq!(refused.code, Some(2));
        let sentence = format!("invalid value '-1' for '{option}");
        assert!(refused.err.contains(&sentence), "{}", refused.err);
    }
    let described = run(folder, &["describe", "words.toml"]);
    assert!(described.out.contains("12 symbols"), "{}", described.out);
    assert!(described.out.contains("input map"), "{}", described.out);
    let asked = "symbol\n1\n2\n99\n";
    fs::write(folder.join("asked.csv"), asked).unwrap();
    let predict = [
        "experiment",
        "predict",
        "out/model.safetensors",
        "--input",
        "asked.csv",
    ];
    let predicted = run(folder, &predict);
    assert_eq!(predicted.code, Some(1));
    assert_eq!(predicted.out.lines().count(), 3, "{}", predicted.out);
    assert!(
        predicted.err.contains("a place from 0 to 11"),
        "{}",
        predicted.err
    );
}

#[test]
fn another_text_is_judged_and_exported_by_the_symbols_that_the_model_knows() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(trained(folder).code, Some(0));
    // Fewer different symbols, at other places in the alphabet.
    fs::write(folder.join("less.txt"), "hot tea; ".repeat(60)).unwrap();
    let judged = run(
        folder,
        &[
            "experiment",
            "evaluate",
            "out/model.safetensors",
            "--set",
            "task.file=less.txt",
            "--json",
        ],
    );
    assert_eq!(judged.code, Some(0), "{}", judged.err);
    // Symbols at wrong places would be told as seldom as by chance.
    let splits = judged.lines()[0]["splits"].clone();
    let right = splits[1]["scores"]["accuracy"].as_f64().unwrap();
    assert!(right > 0.4, "{}", judged.out);
    let table = ["evaluate", "out/model.safetensors", "--data", "less.txt"];
    let refused = run(folder, &[&["experiment"], &table[..]].concat());
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("--set task.file=FILE"),
        "{}",
        refused.err
    );
    fs::write(folder.join("more.txt"), "cold cup; ".repeat(60)).unwrap();
    let raw = [
        "--raw",
        "--what",
        "data",
        "--set",
        "task.file=more.txt",
        "--out",
        "raw.npz",
    ];
    let refused = ["experiment", "export", "out/model.safetensors"];
    let refused = run(folder, &[&refused[..], &raw[..]].concat());
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("a class \"c\""), "{}", refused.err);
    let export = run(
        folder,
        &[
            "experiment",
            "export",
            "words.toml",
            "--what",
            "data",
            "--out",
            "words.npz",
        ],
    );
    assert_eq!(export.code, Some(0), "{}", export.err);
    let mut npz = Npz::open(&folder.join("words.npz")).unwrap();
    let targets = npz.array("Y_train").unwrap();
    assert_eq!(targets.shape[1..], [8, 12]);
    let Values::Numbers(numbers) = targets.values else {
        panic!("targets are numbers");
    };
    // The last segment is shorter; what is not scored is -100.
    for row in numbers.chunks(12).filter(|row| row[0] != -100.0) {
        assert_eq!(row.iter().sum::<f64>(), 1.0, "{row:?}");
        assert!(row.contains(&1.0), "{row:?}");
    }
}

#[test]
fn what_is_no_text_or_cannot_go_on_gets_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(trained(folder).code, Some(0));
    for (options, words) in [
        (&["--temperature", "0"][..], "--temperature must be above 0"),
        (&["--temperature", "-1"], "--temperature must be above 0"),
        (&["--top-k", "0"], "--top-k must be at least 1"),
        (&["--prompt", ""], "--prompt is empty"),
        (&["--prompt", "hot 水"], "the model has never seen \"水\""),
    ] {
        let outcome = generate(folder, options);
        assert_eq!(outcome.code, Some(2), "{options:?}: {}", outcome.err);
        assert!(outcome.err.contains(words), "{options:?}: {}", outcome.err);
        assert!(outcome.out.is_empty(), "{options:?}: {}", outcome.out);
    }
    fs::write(folder.join("one.txt"), "aaaaaaaaaa").unwrap();
    fs::write(folder.join("short.txt"), "abcabc").unwrap();
    fs::write(folder.join("bytes.txt"), b"ab\xff\xfe").unwrap();
    for (file, words) in [
        ("one.txt", "one symbol"),
        (
            "short.txt",
            "must be less than the symbols of the part for training",
        ),
        ("bytes.txt", "not in UTF-8"),
        ("none.txt", "cannot be read"),
    ] {
        let set = format!("task.file={file}");
        let outcome = run(
            folder,
            &["experiment", "words.toml", "--quiet", "--set", &set],
        );
        assert!(matches!(outcome.code, Some(1 | 2)), "{file}");
        assert!(outcome.err.contains(words), "{file}: {}", outcome.err);
    }
    let arguments = [
        "experiment",
        "--quiet",
        "--set",
        "reservoir.population.0.units=4",
        "--out",
        "vowels",
    ];
    assert_eq!(run(folder, &arguments).code, Some(0));
    let other = run(
        folder,
        &["experiment", "generate", "vowels/model.safetensors"],
    );
    assert_eq!(other.code, Some(1));
    assert!(other.err.contains("\"japanese-vowels\""), "{}", other.err);
}
