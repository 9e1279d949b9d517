//! Sweeps: what they choose, what is left of one that was killed, and what they refuse.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::folders::run_with_little_room;
use crate::{Outcome, assert_sentence, assert_usage, command, files_below, run, succeed};

/// A sweep of small models, with some of its lines as they are given.
pub(super) fn sweep(space: &str, rest: &str) -> String {
    format!(
        "base = 'japanese-vowels'\n[set]\n'task.valid' = 0.3\n'reservoir.population.0.units' = 4\n\
         'reservoir.population.0.d_unit' = 8\n'reservoir.input_copies' = 1\n[space]\n{space}\n{rest}\n"
    )
}

const LEAK: &str = "'reservoir.leak' = { from = 0.1, to = 1.0 }";
const FOUR: &str = "[method]\nname = 'tpe'\ntrials = 8\nstartup = 4";

pub(super) fn place(text: &str) -> TempDir {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("s.toml"), text).unwrap();
    place
}

/// The trials in a folder, by number, without how long they took.
pub(super) fn trials(folder: &Path) -> BTreeMap<u64, Value> {
    let files = files_below(&folder.join("trials"));
    let trials = files.iter().map(|file| {
        let text = fs::read_to_string(folder.join("trials").join(file)).unwrap();
        let mut trial: Value = serde_json::from_str(&text).unwrap();
        trial.as_object_mut().unwrap().remove("seconds").unwrap();
        (trial["trial"].as_u64().unwrap(), trial)
    });
    trials.collect()
}

#[test]
fn a_sweep_chooses_on_validation_data_and_judges_the_best_on_the_test_set() {
    let last = "[final]\nbest = 2\nseeds = '1000..1002'\nset = { 'task.valid' = 0.0 }";
    let place = place(&sweep(
        LEAK,
        &format!("{FOUR}\n[trial]\nseeds = '100..102'\n{last}"),
    ));
    let outcome = succeed(place.path(), &["sweep", "s.toml", "--json", "--out", "out"]);
    let (last, first): (Vec<Value>, Vec<Value>) = outcome
        .lines()
        .into_iter()
        .partition(|line| line["last"] == true);
    assert_eq!((first.len(), last.len()), (8, 2));
    for trial in &first {
        assert_eq!(trial["seeds"].as_array().unwrap().len(), 2);
        for seed in trial["seeds"].as_array().unwrap() {
            assert!(seed["valid"].is_f64() && seed["test"].is_null(), "{trial}");
        }
    }
    let mut scores: Vec<f64> = first
        .iter()
        .map(|trial| trial["score"].as_f64().unwrap())
        .collect();
    scores.sort_by(f64::total_cmp);
    let best = first
        .iter()
        .find(|trial| trial["score"].as_f64() == scores.last().copied());
    let judged = last.iter().find(|trial| trial["trial"] == 0).unwrap();
    assert_eq!(judged["point"], best.unwrap()["point"]);
    assert!(judged["seeds"][0]["test"].is_f64() && judged["seeds"][0]["valid"].is_null());
    assert_eq!(judged["seeds"][0]["seed"], 1000);

    // The command that a trial has does what the trial did.
    let words = judged["command"]
        .as_str()
        .unwrap()
        .strip_prefix("cargo xtask ")
        .unwrap();
    let words: Vec<&str> = words.split(' ').collect();
    let alone = succeed(
        place.path(),
        &[&words[..], &["--seeds", "1000", "--json"]].concat(),
    );
    assert_eq!(alone.lines()[0]["test"], judged["seeds"][0]["test"]);

    // A sweep that is done is shown again, and computes nothing.
    let again = succeed(place.path(), &["sweep", "--resume", "out", "--json"]);
    assert_eq!(again.out, "");
}

#[test]
fn a_key_that_is_set_leaves_conditions_behind_that_do_no_harm() {
    let space = "'reservoir.context' = [2, 3, 4]\n'reservoir.leak' = { values = [0.3, 0.6], when = { 'reservoir.context' = [3, 4] } }";
    let place = place(&sweep(space, "[method]\nname = 'random'\ntrials = 2"));
    let begin = [
        "sweep",
        "s.toml",
        "--set",
        "reservoir.context=3",
        "--out",
        "out",
        "--quiet",
    ];
    succeed(place.path(), &begin);
    for trial in trials(&place.path().join("out")).values() {
        assert!(trial["point"]["reservoir.leak"].is_f64(), "{trial}");
    }
    succeed(place.path(), &["sweep", "--resume", "out", "--quiet"]);
    succeed(place.path(), &["sweep", "report", "out"]);
    let never = sweep(
        &space.replace("[3, 4] } }", "[3, 7] } }"),
        "[method]\nname = 'random'\ntrials = 2",
    );
    fs::write(place.path().join("never.toml"), never).unwrap();
    let outcome = run(place.path(), &["sweep", "never.toml", "--out", "never"]);
    assert_sentence(&outcome, &["lists 7", "\"reservoir.context\" never has"]);
}

#[test]
fn the_score_is_that_of_the_task_that_all_trials_have() {
    let place = place(
        "base = 'japanese-vowels'\n[set]\ntask = { name = 'narma' }\nreadout = { features = 'last' }\n\
         'reservoir.population.0.units' = 2\n'reservoir.population.0.d_unit' = 4\n[space]\n'reservoir.leak' = [0.2, 0.9]\n\
         [method]\nname = 'grid'\n",
    );
    let outcome = succeed(
        place.path(),
        &["sweep", "s.toml", "--out", "out", "--quiet"],
    );
    assert!(
        outcome.out.contains("mse on validation data"),
        "{}",
        outcome.out
    );
    // Errors are better the less they are.
    let shown = outcome.out.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        words.next()?.parse::<u64>().ok()?;
        words.next()?.parse::<f64>().ok()
    });
    let shown: Vec<f64> = shown.collect();
    assert!(shown.len() == 2 && shown.is_sorted(), "{}", outcome.out);
    let again = succeed(place.path(), &["sweep", "report", "out"]);
    assert_eq!(again.err, "");
    let page = fs::read_to_string(place.path().join("out/report.html")).unwrap();
    assert!(page.contains("mse"));
}

#[test]
fn what_all_trials_have_may_need_a_point_to_be_a_configuration() {
    let place = place(
        "base = 'japanese-vowels-full'\n[set]\n'task.valid' = 0.3\n'network.width' = 4\n'learning.epochs' = 1\n[space]\n\
         'network.kind' = ['gru', 'lstm']\n[method]\nname = 'grid'\n",
    );
    let outcome = succeed(
        place.path(),
        &["sweep", "s.toml", "--out", "out", "--quiet"],
    );
    assert!(
        outcome.out.contains("2 of 2 trials done; accuracy"),
        "{}",
        outcome.out
    );
}

#[test]
fn a_file_that_no_trial_can_have_is_not_the_command_lines_fault() {
    let place = place(&sweep(
        "'reservoir.leak' = [-1.0, 7.0]",
        "[method]\nname = 'grid'",
    ));
    let of_file = ["sweep", "s.toml", "--quiet", "--set", "reservoir.context=3"];
    assert_sentence(
        &run(place.path(), &of_file),
        &["reservoir.leak must be above 0"],
    );
    let text = sweep("'reservoir.context' = [2, 3]", "[method]\nname = 'grid'");
    fs::write(place.path().join("s.toml"), text).unwrap();
    let of_line = ["sweep", "s.toml", "--quiet", "--set", "reservoir.leak=7"];
    assert_usage(&run(place.path(), &of_line), &["reservoir.leak", "got 7"]);
    assert!(!place.path().join("runs").exists());
}

#[test]
fn what_final_sets_wrongly_is_known_before_anything_is_tried() {
    let text = sweep(
        LEAK,
        "[method]\nname = 'random'\ntrials = 2\n[final.set]\n'reservoir.lek' = 3",
    );
    let place = place(&text);
    let outcome = run(
        place.path(),
        &["sweep", "s.toml", "--out", "out", "--quiet"],
    );
    assert_sentence(&outcome, &["as [final] judges it", "`lek`"]);
    assert!(!place.path().join("out").exists());
}

#[test]
fn a_sweep_that_is_killed_again_and_again_comes_to_the_same_results() {
    let text = sweep(LEAK, "[method]\nname = 'tpe'\ntrials = 24\nstartup = 12");
    let place = place(&text);
    succeed(
        place.path(),
        &["sweep", "s.toml", "--out", "whole", "--quiet"],
    );
    let folder = place.path().join("killed");
    let mut kills = 0;
    for done in [1, 5, 13, 18] {
        let arguments = match folder.join("sweep.toml").exists() {
            true => vec!["sweep", "--resume", "killed"],
            false => vec!["sweep", "s.toml", "--out", "killed"],
        };
        let mut child = command(place.path(), &arguments);
        let child = child
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        while files_below_or_none(&folder.join("trials")) < done {
            match child.try_wait().unwrap() {
                None => std::thread::yield_now(),
                Some(status) => panic!("it ended ({status}) before {done} trials were done"),
            }
        }
        let group = format!("-{}", child.id());
        let killed = Command::new("kill")
            .args(["-9", "--", &group])
            .status()
            .unwrap();
        kills += usize::from(killed.success());
        child.wait().unwrap();
    }
    assert_eq!(kills, 4);
    succeed(place.path(), &["sweep", "--resume", "killed", "--quiet"]);
    assert_eq!(trials(&folder), trials(&place.path().join("whole")));
    assert_eq!(trials(&folder).len(), 24);
    let left = files_below(&folder).into_iter().filter(|file| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.starts_with('.')
    });
    assert_eq!(left.collect::<Vec<_>>(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_sweep_whose_folder_was_moved_goes_on_with_its_own_base() {
    let place = place("");
    let text = sweep(
        LEAK,
        &format!("{FOUR}\n[final]\nseeds = '1000..1002'\nset = {{ 'task.valid' = 0.0 }}"),
    );
    let presets = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/experiments");
    let preset = Path::new(presets).join("japanese-vowels.toml");
    fs::copy(preset, place.path().join("mine.toml")).unwrap();
    let text = text.replace("'japanese-vowels'", "'mine.toml'");
    fs::write(place.path().join("s.toml"), text).unwrap();
    succeed(
        place.path(),
        &["sweep", "s.toml", "--quiet", "--out", "out"],
    );
    let whole = trials(&place.path().join("out"));
    // As if it had been stopped before the last two.
    let moved = place.path().join("moved");
    fs::rename(place.path().join("out"), &moved).unwrap();
    fs::remove_dir_all(moved.join("final")).unwrap();
    for trial in [6, 7] {
        fs::remove_file(moved.join(format!("trials/000/{trial:06}.json"))).unwrap();
    }
    let elsewhere = place.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    succeed(&elsewhere, &["sweep", "--resume", "../moved", "--quiet"]);
    let without_command = |trials: BTreeMap<u64, Value>| -> Vec<Value> {
        let trials = trials.into_values();
        let trials = trials.map(|mut trial| {
            trial.as_object_mut().unwrap().remove("command").unwrap();
            trial
        });
        trials.collect()
    };
    assert_eq!(without_command(trials(&moved)), without_command(whole));
    let table = fs::read_to_string(moved.join("results.csv")).unwrap();
    assert_eq!(
        table.matches("experiment ../moved/base/mine.toml").count(),
        8
    );
    assert!(trials(&moved.join("final"))[&0]["score"].is_f64());
    // Trials whose base is gone are not written down as failed.
    fs::remove_file(moved.join("trials/000/000003.json")).unwrap();
    fs::write(moved.join("base/mine.toml"), [0xff]).unwrap();
    for go_on in [
        &["--resume", "moved", "--quiet"][..],
        &["worker", "moved", "3"],
    ] {
        let outcome = run(place.path(), &[&["sweep"], go_on].concat());
        assert_sentence(&outcome, &["moved/base/mine.toml"]);
    }
    assert!(!moved.join("trials/000/000003.json").exists());
}

#[cfg(unix)]
#[test]
fn a_full_disk_ends_a_sweep_with_a_sentence_and_loses_nothing() {
    let place = place(&sweep(LEAK, FOUR));
    let search = ["sweep", "s.toml", "--quiet", "--out", "out"];
    // There is room for each trial's result, and not for the page with all.
    let outcome = run_with_little_room(place.path(), 12, &search);
    assert_sentence(&outcome, &["report.html", "cannot be written"]);
    let folder = place.path().join("out");
    let before = trials(&folder);
    assert_eq!(before.len(), 8);
    succeed(place.path(), &["sweep", "--resume", "out", "--quiet"]);
    assert_eq!(trials(&folder), before);
    assert!(folder.join("results.csv").exists() && folder.join("report.html").exists());

    // Where there is room for nothing, no trial is begun.
    let nowhere = ["sweep", "s.toml", "--quiet", "--out", "nowhere"];
    let outcome = run_with_little_room(place.path(), 0, &nowhere);
    assert_sentence(&outcome, &["sweep.toml", "cannot be written"]);
    assert_eq!(files_below_or_none(&place.path().join("nowhere/trials")), 0);
}

pub(super) fn files_below_or_none(folder: &Path) -> usize {
    let shards = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = shards.flat_map(|shard| fs::read_dir(shard.path()).into_iter().flatten().flatten());
    files
        .filter(|file| !file.file_name().to_string_lossy().starts_with('.'))
        .count()
}

#[test]
fn a_sweep_has_the_same_results_with_any_number_of_workers() {
    let place = place(&sweep(LEAK, FOUR));
    for workers in ["1", "3"] {
        succeed(
            place.path(),
            &["sweep", "s.toml", "--out", workers, "--workers", workers],
        );
    }
    assert_eq!(
        trials(&place.path().join("1")),
        trials(&place.path().join("3"))
    );
}

#[test]
fn a_trial_that_fails_says_why_and_stops_no_other() {
    // Twelve inputs need more slots than the smallest of these has.
    let space = "'reservoir.population.0.units' = [1, 4]";
    let text = sweep(space, "[method]\nname = 'grid'").replacen(
        "'reservoir.population.0.units' = 4\n",
        "",
        1,
    );
    let place = place(&text);
    let outcome = succeed(place.path(), &["sweep", "s.toml", "--out", "out"]);
    for words in [
        "2 of 2 trials done, 1 of them failed",
        "trial 0 failed: ",
        "slots",
    ] {
        assert!(outcome.out.contains(words), "{words}: {}", outcome.out);
    }
    let trials = trials(&place.path().join("out"));
    assert!(trials[&0]["score"].is_null() && trials[&1]["score"].is_f64());
}

#[test]
fn what_a_sweep_cannot_do_is_refused_before_anything_is_written() {
    for (text, words) in [
        (
            sweep("'reservoir.leek' = [0.5, 1.0]", FOUR),
            &["reservoir.leek", "`leak`"][..],
        ),
        (
            sweep("'reservoir.leak' = []", FOUR),
            &["s.toml", "reservoir.leak", "no value"],
        ),
        (
            sweep("'reservoir.leak' = { from = 1.0, to = 0.5 }", FOUR),
            &["s.toml", "empty", "1 and 0.5"],
        ),
        (
            sweep(
                LEAK,
                &format!("{FOUR}\n[constraints]\ntrained_parameters = {{ at_most = 10 }}"),
            ),
            &["no point", "trained_parameters at most 10"],
        ),
        (
            sweep(
                "'reservoir.leak' = [0.3, 1.0]",
                "[method]\nname = 'grid'\n[constraints]\nparameters = { at_least = 1_000_000 }",
            ),
            &["no point", "parameters at least 1000000"],
        ),
        (
            sweep(LEAK, "[method]\nname = 'grid'"),
            &["method", "grid", "reservoir.leak"],
        ),
        (
            sweep(LEAK, "[method]\nname = 'bayes'"),
            &["s.toml", "`bayes`", "`tpe`"],
        ),
        (
            sweep(LEAK, &format!("{FOUR}\n[trial]\njudge = 'test'")),
            &["trial.judge", "must not see the test set"],
        ),
        (
            sweep(
                LEAK,
                &format!("{FOUR}\n[trial]\nseeds = '100..103'\n[final]\nseeds = '102..110'"),
            ),
            &["final.seeds", "102"],
        ),
        (
            sweep("'reservoir.population.0.units' = [4, 8]", FOUR),
            &["set", "reservoir.population.0.units", "varies"],
        ),
        (
            sweep(LEAK, FOUR).replace("[set]\n", "[set]\n'reservoir.population[0].units' = 8\n"),
            &["set.\"reservoir.population.0.units\"", "twice"],
        ),
        (
            sweep(LEAK, &format!("{FOUR}\n[final.set]\n'a[0]' = 1\n'a.0' = 2")),
            &["final.set.\"a.0\"", "twice"],
        ),
        (
            sweep(
                "'reservoir.population' = [[{ kind = 'tanh-unit', units = 4, d_unit = 8 }]]",
                "[method]\nname = 'grid'",
            ),
            &["set has \"reservoir.population.0.d_unit\", which is in \"reservoir.population\""],
        ),
        (
            sweep(
                LEAK,
                &format!("{FOUR}\n[trial]\nseeds = '0..18446744073709551615'"),
            ),
            &["trial.seeds", "at most 10000"],
        ),
        (
            sweep(LEAK, &format!("{FOUR}\n[final.set]\n'task.name' = 'narma'")),
            &["final.set", "\"task.name\"", "judged on another"],
        ),
        (
            sweep(
                "'reservoir.population.0.heads' = [1, 2]",
                "[method]\nname = 'halving'\nresource = 'reservoir.population[0].heads'\nleast = 1\nmost = 4\ntrials = 4",
            ),
            &["method", "reservoir.population.0.heads", "varies"],
        ),
        (
            sweep(LEAK, FOUR).replace("'task.valid' = 0.3", "'task.valid' = { same_as = 'leak' }"),
            &["set", "\"task.valid\"", "\"leak\"", "no key of the space"],
        ),
        (
            sweep(LEAK, FOUR).replace("'task.valid' = 0.3", "'task.valid' = { same_as = 1 }"),
            &["set", "\"task.valid\"", "same_as = \"KEY\""],
        ),
        (
            sweep(LEAK, FOUR).replace("'task.valid' = 0.3\n", ""),
            &["validation"],
        ),
        (
            sweep("'reservoir.leak' = { from = 0.1, to = inf }", FOUR),
            &["reservoir.leak", "finite", "inf"],
        ),
        (
            sweep(LEAK, FOUR).replace("japanese-vowels", "vowels"),
            &["vowels", "japanese-vowels"],
        ),
        ("base = 3".into(), &["s.toml", "line 1"]),
        (
            "base = 'japanese-vowels'\nbases = 3".into(),
            &["s.toml", "line 2", "bases"],
        ),
    ] {
        let place = place(&text);
        let outcome = run(place.path(), &["sweep", "s.toml", "--out", "out"]);
        assert_sentence(&outcome, words);
        assert!(!place.path().join("out").exists(), "{text}");
    }
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("right.toml"), sweep(LEAK, FOUR)).unwrap();
    assert_usage(
        &run(place.path(), &["sweep", "right.toml", "--base", "vowels"]),
        &["vowels", "--list"],
    );
    let refused = run(place.path(), &["sweep", "right.toml", "--workers", "0"]);
    assert!(
        refused.code == Some(2) && refused.err.contains("--workers"),
        "{}",
        refused.err
    );
    assert_usage(
        &run(place.path(), &["sweep", "poster"]),
        &["\"poster\"", "poster-japanese-vowels"],
    );
    assert_sentence(
        &run(place.path(), &["sweep", "gone.toml"]),
        &["gone.toml", "cannot be read"],
    );
    assert_sentence(
        &run(place.path(), &["sweep", "--resume", "gone"]),
        &["gone", "not the folder of a sweep"],
    );
}

/// The trials that a sweep told as they ended, by number.
fn by_number(outcome: &Outcome) -> Vec<Value> {
    let mut trials = outcome.lines();
    trials.sort_by_key(|trial| trial["trial"].as_u64());
    trials
}

#[test]
fn two_populations_have_one_size_in_every_trial() {
    let both = "[{ kind = 'qkv-unit', units = 1, d_unit = 8 }, { kind = 'memory-unit', units = 1, d_unit = 8 }]";
    let same = "{ same_as = 'reservoir.population[0].units' }";
    let text = format!(
        "base = 'japanese-vowels'\n[set]\n'task.valid' = 0.3\n'reservoir.population' = {both}\n\
         'reservoir.population.1.units' = {same}\n[space]\n'reservoir.population.0.units' = [3, 7]\n\
         [method]\nname = 'grid'\n"
    );
    let place = place(&text);
    let outcome = succeed(place.path(), &["sweep", "s.toml", "--json", "--out", "out"]);
    let trials = by_number(&outcome);
    assert_eq!(trials.len(), 2);
    for (trial, units) in trials.iter().zip([3, 7]) {
        let point = trial["point"].as_object().unwrap();
        assert_eq!(
            (point.len(), trial["problem"].is_null()),
            (1, true),
            "{trial}"
        );
        let command = trial["command"].as_str().unwrap();
        assert!(command.contains(&format!("reservoir.population.1.units={units}")));
        // Attention: three maps of width 8; memory: two, four times as wide between. Mean and last of both states are seen.
        let (attention, memory) = (3 * (64 + 8), 2 * 8 * 32 + 32 + 8);
        let trained = 9 * (2 * (2 * units * 8) + 1);
        let (fixed, all) = (units * (attention + memory), &trial["parameters"]);
        assert_eq!(all["trained"], trained, "{trial}");
        assert_eq!(all["fixed"], fixed, "{trial}");
    }
    // A key is tied on the command line, too.
    let tie = "reservoir.population.1.d_unit={ same_as = 'reservoir.population[0].units' }";
    let arguments = ["sweep", "s.toml", "--json", "--out", "tied", "--set", tie];
    let tied = succeed(place.path(), &arguments);
    for (trial, units) in by_number(&tied).iter().zip([3, 7]) {
        let command = trial["command"].as_str().unwrap();
        assert!(command.contains(&format!("reservoir.population.1.d_unit={units}")));
    }
    // What is tied stays so when the folder is opened again.
    fs::remove_file(place.path().join("out/trials/000/000001.json")).unwrap();
    let again = succeed(place.path(), &["sweep", "--resume", "out", "--json"]);
    let without_time = |trial: &Value| {
        let mut trial = trial.clone();
        trial.as_object_mut().unwrap().remove("seconds");
        trial
    };
    let again = again.lines();
    assert_eq!(
        without_time(again.last().unwrap()),
        without_time(&trials[1])
    );
}

#[test]
fn a_folder_belongs_to_one_sweep_and_to_one_program_at_a_time() {
    let place = place(&sweep(LEAK, FOUR));
    succeed(
        place.path(),
        &["sweep", "s.toml", "--out", "out", "--quiet"],
    );
    let other = sweep(LEAK, "[method]\nname = 'random'\ntrials = 2000");
    fs::write(place.path().join("other.toml"), other).unwrap();
    let refused = run(place.path(), &["sweep", "other.toml", "--out", "out"]);
    assert_sentence(&refused, &["out/sweep.toml", "another sweep's"]);

    let mut long = command(place.path(), &["sweep", "other.toml", "--out", "long"]);
    let mut long = long
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while files_below_or_none(&place.path().join("long/trials")) == 0 {
        assert!(
            long.try_wait().unwrap().is_none(),
            "it ended before its first trial"
        );
        std::thread::yield_now();
    }
    let refused = run(place.path(), &["sweep", "--resume", "long"]);
    assert_sentence(&refused, &["long", "another run is writing into it"]);
    // It ends when it is asked to, and keeps what it has.
    let asked = Command::new("kill")
        .args(["-TERM", &long.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    assert_eq!(long.wait().unwrap().code(), Some(130));
    assert!(!trials(&place.path().join("long")).is_empty());
}

#[test]
fn a_key_of_the_space_that_is_set_is_not_varied() {
    let space = "'reservoir.leak' = [0.2, 0.4]\n'reservoir.context' = [2, 3, 4]";
    let place = place(&sweep(space, "[method]\nname = 'grid'"));
    let fixed = ["--set", "reservoir.context=5", "--set", "task.limit=20"];
    let all = [&["sweep", "s.toml", "--json", "--out", "out"], &fixed[..]].concat();
    let lines = succeed(place.path(), &all).lines();
    assert_eq!(lines.len(), 2, "one trial for each leak");
    for line in &lines {
        let command = line["command"].as_str().unwrap();
        for setting in ["reservoir.context=5", "task.limit=20"] {
            assert!(command.contains(setting), "{command}");
        }
    }
}
