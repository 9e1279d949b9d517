//! Searches: `experiment --search`.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::cluster::wait_until;
use crate::gradient::signal;
use crate::sweeping::{files_below_or_none, trials};
use crate::{assert_sentence, assert_usage, command, run, succeed};

/// What a search of more trials than it could end in this test says when it is stopped after its first.
#[cfg(unix)]
fn stopped(place: &Path, more: &[&str], folder: impl Fn() -> Option<String>) -> String {
    let search = ["experiment", "--search", "100000", "--seeds", "1000"];
    let mut command = command(place, &[&search[..], more].concat());
    let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let begun = |folder| files_below_or_none(&place.join(folder).join("trials")) > 0;
    wait_until("a trial is done", || {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        folder().is_some_and(begun)
    });
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    String::from_utf8(output.stderr).unwrap()
}

#[cfg(unix)]
#[test]
fn a_search_that_was_stopped_says_how_it_goes_on() {
    let place = TempDir::new().unwrap();
    let place = place.path();
    let err = stopped(place, &["--out", "out"], || Some("out/search".into()));
    assert!(err.contains("the same command goes on"), "{err}");
    assert!(!err.contains("--resume"), "{err}");
    // It does go on: what was done stays as it was.
    let of = || trials(&place.join("out/search"));
    let before = of();
    let more = || (of().len() > before.len()).then(|| "out/search".into());
    stopped(place, &["--out", "out"], more);
    let after = of();
    assert!(before.iter().all(|(trial, found)| after[trial] == *found));

    let own = || {
        let folder = place.join("runs/japanese-vowels-search");
        let id = std::fs::read_dir(folder).ok()?.next()?.unwrap().file_name();
        Some(format!("runs/japanese-vowels-search/{}", id.display()))
    };
    let err = stopped(place, &[], own);
    let hint = format!("sweep --resume {}", own().unwrap());
    assert!(err.contains(&hint) && err.contains("--out"), "{err}");
}

#[test]
fn a_search_finds_a_configuration_and_says_how_it_was_chosen() {
    let place = TempDir::new().unwrap();
    let search = [
        "experiment",
        "associative-recall-small",
        "--search",
        "6",
        "--seeds",
        "1000",
        "--out",
        "out",
    ];
    let limits = [
        "--space",
        "roles",
        "--trained-at-most",
        "3000",
        "--json",
        "--no-pictures",
    ];
    let outcome = succeed(place.path(), &[&search[..], &limits[..]].concat());
    let record = &outcome.lines()[0];
    assert_eq!(record["config"]["chosen"]["tried"], 6);
    assert_eq!(
        record["config"]["reservoir"]["population"][1]["name"],
        "recall"
    );
    assert!(record["trained_parameters"].as_u64().unwrap() <= 3000);
    assert_eq!(trials(&place.path().join("out/search")).len(), 6);
    assert_eq!(record["config"]["chosen"]["seeds"], "100..103");

    // What was set is not searched, and the standard space serves data without a validation set.
    let vowels = [
        "experiment",
        "--search",
        "3",
        "--set",
        "reservoir.leak=0.25",
        "--seeds",
        "1000",
        "--json",
    ];
    let outcome = succeed(
        place.path(),
        &[&vowels[..], &["--no-pictures", "--no-model"]].concat(),
    );
    let record = &outcome.lines()[0];
    assert_eq!(record["config"]["reservoir"]["leak"], 0.25);
    assert_eq!(record["config"]["chosen"]["tried"], 3);
    assert!(
        record["config"]["learning"].get("validation").is_none(),
        "{record}"
    );

    let none = [
        "experiment",
        "--search",
        "3",
        "--trained-at-most",
        "1",
        "--out",
        "none/here",
    ];
    let refused = run(place.path(), &none);
    assert_sentence(&refused, &["no point", "at most 1"]);
    assert!(!place.path().join("none").exists());
    for (command, option) in [
        (&["experiment", "--search", "0"][..], "--search"),
        (
            &["experiment", "--search", "2", "--workers", "0"],
            "--workers",
        ),
        (&["bench", "--repeats", "0"], "--repeats"),
    ] {
        let refused = run(place.path(), command);
        assert!(
            refused.code == Some(2) && refused.err.contains(option),
            "{}",
            refused.err
        );
    }
}

#[test]
fn a_search_judges_its_best_again_where_the_task_has_a_validation_set() {
    let place = TempDir::new().unwrap();
    let search = "experiment associative-recall-small --search 40 --space roles --set task.limit=10 --set reservoir.context=20 \
                  --seeds 1000 --out out --json --no-pictures --no-model --quiet";
    let search: Vec<&str> = search.split_whitespace().collect();
    let outcome = succeed(place.path(), &search);
    let record = &outcome.lines()[0];
    let chosen = &record["config"]["chosen"];
    assert_eq!(chosen["seeds"], "100..113");
    let first = trials(&place.path().join("out/search"));
    let again = trials(&place.path().join("out/search/final"));
    assert_eq!((first.len(), again.len()), (40, 2));
    for trial in again.values() {
        let seeds = trial["seeds"].as_array().unwrap();
        assert_eq!(seeds.len(), 10);
        assert!(
            seeds
                .iter()
                .all(|seed| seed["valid"].is_f64() && seed["test"].is_null())
        );
        let before = |other: &&Value| other["point"] == trial["point"];
        assert!(first.values().any(|other| before(&other)));
    }
    // The best of the two is the one that is run.
    let score = |trial: &Value| trial["score"].as_f64().unwrap();
    let best = again
        .values()
        .rev()
        .max_by(|one, other| score(one).total_cmp(&score(other)));
    let reservoir = &record["config"]["reservoir"];
    assert_eq!(
        reservoir["population"][1]["qk_gain"],
        best.unwrap()["point"]["reservoir.population.1.qk_gain"],
        "{record}"
    );
    assert_eq!(reservoir["context"], 20);
}

#[test]
fn a_search_judges_its_best_again_on_other_splits_where_each_seed_splits_the_training_set() {
    let place = TempDir::new().unwrap();
    let search = "experiment japanese-vowels --search 10 --set task.limit=100 --seeds 1000 --out out --json --no-pictures \
                  --no-model --quiet";
    let search: Vec<&str> = search.split_whitespace().collect();
    let outcome = succeed(place.path(), &search);
    let chosen = &outcome.lines()[0]["config"]["chosen"];
    assert_eq!(chosen["seeds"], serde_json::json!(["100..105", "113..123"]));
    let again = trials(&place.path().join("out/search/final"));
    assert_eq!(again.len(), 2);
    for trial in again.values() {
        assert_eq!(trial["seeds"].as_array().unwrap().len(), 10);
    }
}

#[test]
fn what_is_set_in_the_space_of_roles_is_set_in_its_own_populations() {
    let place = TempDir::new().unwrap();
    let search = |set: &str| {
        let words = format!(
            "experiment bracket-matching-small --search 4 --space roles --set task.limit=10 --set {set} --seeds 1000 \
             --json --no-pictures --no-model --quiet"
        );
        let words: Vec<&str> = words.split_whitespace().collect();
        run(place.path(), &words)
    };
    // The preset has fewer populations.
    let found = search("reservoir.population.4.units=7");
    assert_eq!(found.code, Some(0), "{}", found.err);
    let population = &found.lines()[0]["config"]["reservoir"]["population"][4];
    assert_eq!(
        (&population["name"], &population["units"]),
        (&"recall".into(), &7.into())
    );
    // Some keys mean something only where the space has others.
    let gate = "reservoir.population.4.gate_gain=4.0 --set reservoir.population.4.reads.gate=count";
    for set in [gate, "reservoir.population.4.gate_gain=4.0"] {
        let found = search(set);
        assert_eq!(found.code, Some(0), "{set}: {}", found.err);
    }
    assert_usage(&search("reservoir.contxt=2"), &["contxt", "context"]);
    assert_usage(
        &search("reservoir.population.9.heads=2"),
        &["reservoir.population.9.heads"],
    );
}

#[test]
fn roles_of_a_smaller_task_are_taken() {
    let place = TempDir::new().unwrap();
    let search = |task: &str, more: &str| {
        let words = format!(
            "experiment {task} --search 2 --space roles --trained-at-most 10000 --set task.limit=10 --seeds 1000 --json \
             --no-pictures --no-model --quiet {more}"
        );
        let words: Vec<&str> = words.split_whitespace().collect();
        run(place.path(), &words)
    };
    let set = "--set reservoir.population.4.reads.query=[\"clock\"]";
    let small = search("sorting-problem-small", &format!("{set} --out small"));
    assert_eq!(small.code, Some(0), "{}", small.err);
    let reads = |of: &crate::Outcome| {
        let populations = &of.lines()[0]["config"]["reservoir"]["population"];
        let populations = populations.as_array().unwrap().iter();
        let reads = populations.map(|one| (one["name"].clone(), one["reads"].clone()));
        // Codes of what attention answers are there or not.
        reads.take(5).collect::<Vec<_>>()
    };
    let medium = "sorting-problem-medium";
    let taken = search(medium, "--roles-of small/config.toml");
    assert_eq!(taken.code, Some(0), "{}", taken.err);
    assert_eq!(reads(&taken), reads(&small));
    let recall = &reads(&taken)[4];
    assert_eq!(recall.0, "recall");
    assert_eq!(recall.1["query"], serde_json::json!(["clock"]));
    let chosen = &taken.lines()[0]["config"]["chosen"]["by"];
    assert!(chosen.as_str().unwrap().contains("small/config.toml"));

    let other = search(medium, "--roles-of sorting-problem-small");
    assert_usage(
        &other,
        &["--roles-of sorting-problem-small", "before, clock"],
    );
    let standard = "experiment sorting-problem-medium --search 2 --roles-of small/config.toml";
    let words: Vec<&str> = standard.split_whitespace().collect();
    assert_usage(&run(place.path(), &words), &["--space roles"]);
}

#[test]
fn a_text_is_searched_in_either_space() {
    let place = TempDir::new().unwrap();
    std::fs::write(
        place.path().join("words.txt"),
        "hot tea, hot milk; ".repeat(40),
    )
    .unwrap();
    for space in ["standard", "roles"] {
        let search = [
            "experiment",
            "--search",
            "4",
            "--space",
            space,
            "--set",
            "task.name=text",
        ];
        let task = [
            "--set",
            "task.file=words.txt",
            "--set",
            "task.segment=8",
            "--seeds",
            "1000",
        ];
        let rest = [
            "--out",
            space,
            "--no-pictures",
            "--no-model",
            "--quiet",
            "--json",
        ];
        succeed(place.path(), &[&search[..], &task[..], &rest[..]].concat());
        let tried = trials(&place.path().join(space).join("search"));
        assert_eq!(tried.len(), 4);
        let failed = tried.values().filter(|trial| trial["score"].is_null());
        let failed: Vec<_> = failed.collect();
        // Heads that do not fit a width are no point of the space of roles, which has such.
        let most = if space == "standard" { 0 } else { 3 };
        assert!(failed.len() <= most, "{failed:?}");
    }
}

/// The base of a search lies in its folder: one that is refused must not change it.
#[test]
fn a_search_that_is_refused_changes_nothing_of_another() {
    let place = TempDir::new().unwrap();
    let search = |base: &str| {
        let text = format!(
            "experiment {base} --search 2 --set task.limit=20 --seeds 1000 --out out --no-pictures"
        );
        let words: Vec<&str> = text.split_whitespace().collect();
        run(place.path(), &words)
    };
    assert_eq!(search("adding-problem-small").code, Some(0));
    let base = place.path().join("out/search/base");
    let kept = || std::fs::read(base.join("adding-problem-small.toml")).unwrap();
    let before = kept();

    // The same name, and another text.
    let preset = ran_experiment::Preset::find("adding-problem-small").unwrap();
    let size = "size = \"small\"";
    let other = preset
        .text
        .replace(size, &format!("{size}\nstandardise = true"));
    assert_ne!(other, preset.text);
    std::fs::write(place.path().join("adding-problem-small.toml"), other).unwrap();
    assert_sentence(&search("./adding-problem-small.toml"), &["another sweep's"]);
    assert!(kept() == before, "the base was changed");
    assert_sentence(&search("sorting-problem-small"), &["another sweep's"]);
    assert_eq!(std::fs::read_dir(base).unwrap().count(), 1);
}

/// An `.npz` with `X_train` splits nothing off by itself: learning does.
#[test]
fn a_search_serves_an_archive_without_a_validation_part() {
    let place = TempDir::new().unwrap();
    let export = "experiment export japanese-vowels --what data --set task.limit=60 --out data.npz";
    let words: Vec<&str> = export.split_whitespace().collect();
    succeed(place.path(), &words);
    let search = "experiment --search 2 --set task.name=files --set task.data=data.npz --seeds 1000 --json --no-pictures --no-model --out out";
    let words: Vec<&str> = search.split_whitespace().collect();
    let outcome = succeed(place.path(), &words);
    assert_eq!(outcome.lines()[0]["config"]["chosen"]["tried"], 2);
}
