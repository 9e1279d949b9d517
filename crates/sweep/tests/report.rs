//! The page as a file: what is in it, and that nothing in the data breaks out of its place.

use std::collections::BTreeMap;

use ran_picture::Picture;
use ran_sweep::{Parameters, Results, SeedScore, Trial, report};
use serde_json::{Value, json};

/// What ends an element, begins one, or looks like a place of the template.
const HOSTILE: &str =
    "</script><script>alert(1)</script><!--<script> & \"'` {{derived}} \u{2028} </style> \\";

fn trial(number: u64) -> Trial {
    let (units, width) = (number % 100 + 1, (number * 37) % 100 + 1);
    let point = [
        ("reservoir.population.0.units", json!(units)),
        ("reservoir.population.0.d_unit", json!(width)),
        ("reservoir.leak", json!(0.01 * (number % 97) as f64)),
        (
            "readout.features",
            json!(["last", "mean", "max"][number as usize % 3]),
        ),
    ];
    let score = 1.0 / (1.0 + 30.0 / (units * width) as f64);
    Trial {
        trial: number,
        point: point.map(|(key, value)| (key.to_owned(), value)).into(),
        parameters: Some(Parameters {
            trained: 9 * units * width,
            fixed: 11 * units * width * width,
        }),
        seeds: (0..3)
            .map(|seed| SeedScore {
                seed,
                train: Some(1.0),
                valid: Some(score),
                test: None,
            })
            .collect(),
        score: Some(score),
        problem: None,
        seconds: 0.1 + number as f64 / 7.0,
        command: format!(
            "cargo xtask experiment japanese-vowels --seeds 0..3 --set reservoir.population.0.units={units} --set reservoir.population.0.d_unit={width} --set run={number}"
        ),
    }
}

fn sweep(count: u64) -> Results {
    let keys = [
        "reservoir.population.0.units",
        "reservoir.population.0.d_unit",
        "reservoir.leak",
        "readout.features",
    ];
    Results {
        name: "widths".into(),
        metric: "accuracy".into(),
        judged: "valid".into(),
        higher_is_better: true,
        keys: keys.map(String::from).to_vec(),
        logarithmic: vec!["reservoir.population.0.units".into()],
        planned: count,
        trials: (0..count).map(trial).collect(),
    }
}

fn hostile() -> Results {
    let mut results = sweep(30);
    results.name = HOSTILE.into();
    results.metric = HOSTILE.into();
    results.keys.push(HOSTILE.into());
    for trial in &mut results.trials {
        trial.point.insert(HOSTILE.into(), json!(HOSTILE));
        trial.command = format!("{HOSTILE}{}", trial.trial);
    }
    let failed = &mut results.trials[4];
    (failed.score, failed.problem) = (None, Some(HOSTILE.into()));
    failed.seeds.clear();
    results
}

/// The text of the element with an identifier, as a browser takes it: up to the first end of a script.
fn embedded<'a>(page: &'a str, id: &str) -> &'a str {
    let begin = format!("<script type=\"application/json\" id=\"{id}\">");
    assert_eq!(page.matches(&begin).count(), 1, "{id}");
    let (_, rest) = page.split_once(&begin).unwrap();
    rest.split_once("</script").unwrap().0
}

#[test]
fn the_page_holds_the_results_to_the_last_digit() {
    for results in [sweep(200), hostile(), sweep(0)] {
        let page = report::html(&results);
        let read: Results = serde_json::from_str(embedded(&page, "results")).unwrap();
        assert_eq!(read, results);
    }
}

#[test]
fn nothing_in_the_data_breaks_out_of_its_place() {
    let page = report::html(&hostile());
    let plain = report::html(&sweep(30));
    for mark in ["<script", "</script", "<style", "</style", "<!--"] {
        let count = |page: &str| page.matches(mark).count();
        assert_eq!(count(&page), count(&plain), "{mark}");
    }
    let title = page
        .split_once("<title>")
        .unwrap()
        .1
        .split_once("</title>")
        .unwrap()
        .0;
    assert!(
        title.contains("&lt;/script&gt;") && !title.contains('<'),
        "{title}"
    );
}

#[test]
fn a_thousand_trials_with_each_command_take_less_than_five_megabytes() {
    let results = sweep(1000);
    let page = report::html(&results);
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    assert!(
        results
            .trials
            .iter()
            .all(|trial| page.contains(&trial.command))
    );
}

#[test]
fn the_page_asks_for_nothing_from_elsewhere() {
    let page = report::html(&sweep(30));
    assert!(page.contains("default-src 'none'"));
    for loaded in ["src=", "<link", "@import", "<iframe", "<object"] {
        let outside = page.split("/*! ").next().unwrap();
        assert!(!outside.contains(loaded), "{loaded}");
    }
}

#[test]
fn what_the_page_computes_with_comes_from_the_trials() {
    let page = report::html(&sweep(1000));
    let derived: Value = serde_json::from_str(embedded(&page, "derived")).unwrap();
    let names = derived["axes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|axis| axis["label"].as_str().unwrap());
    let names: Vec<&str> = names.collect();
    assert_eq!(
        names,
        [
            "units",
            "d_unit",
            "leak",
            "features",
            "score",
            "parameters",
            "seconds"
        ]
    );
    // Units and width decide the parameters; with the leak in the place of one of them there is no curve.
    let pairs = derived["curves"].as_array().unwrap();
    assert_eq!(pairs.len(), 1);
    assert_eq!((&pairs[0]["x"], &pairs[0]["y"]), (&json!(0), &json!(1)));
    let names = pairs[0]["curves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|curve| &curve["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["10k", "100k", "1M", "5M"]);
    let first = derived["importance"]["keys"][0][0].as_str().unwrap();
    assert!(first.contains("unit"), "{first}");
    assert_eq!(
        derived["colours"]["best"],
        json!(
            sweep(1000)
                .trials
                .iter()
                .map(|t| t.score.unwrap())
                .fold(0.0, f64::max)
        )
    );
}

/// The pictures by their names.
fn drawn(results: &Results, pair: Option<[&str; 2]>) -> BTreeMap<&'static str, Picture> {
    let figures = report::figures(results, pair).unwrap();
    let figures = figures.into_iter();
    figures.map(|one| (one.name, one.picture)).collect()
}

fn says(picture: &Picture, text: &str) -> bool {
    picture.svg().contains(&format!(">\n{text}\n</text>"))
}

#[test]
fn pictures_show_two_keys_and_refuse_what_is_not_there() {
    let results = sweep(400);
    let figures = drawn(&results, Some(["units", "reservoir.population.0.d_unit"]));
    for name in ["points", "cells"] {
        let picture = &figures[name];
        for text in [
            "units",
            "d_unit",
            "validation accuracy",
            "100k",
            "1M",
            "widths",
        ] {
            assert!(says(picture, text), "{name}: {text}");
        }
    }
    assert_eq!(figures["points"].svg().matches("<circle").count(), 800);
    assert!(
        figures
            .values()
            .all(|picture| picture.pdf().unwrap()[..5] == *b"%PDF-")
    );
    let categories = drawn(&results, Some(["features", "units"]));
    assert!(says(&categories["cells"], "max"));
    let refused = |results: &Results, pair| {
        report::figures(results, Some(pair))
            .unwrap_err()
            .to_string()
    };
    let unknown = refused(&results, ["width", "units"]);
    assert!(
        unknown.contains("\"width\"") && unknown.contains("reservoir.leak"),
        "{unknown}"
    );
    let nothing = refused(&sweep(0), ["units", "d_unit"]);
    assert!(
        nothing.contains("no trial of \"widths\" has a score"),
        "{nothing}"
    );
}

#[test]
fn pictures_show_all_keys_the_course_of_the_search_and_what_matters() {
    let mut results = sweep(60);
    results.trials[7].score = None;
    let figures = drawn(&results, None);
    let names: Vec<&str> = figures.keys().copied().collect();
    assert_eq!(
        names,
        ["cells", "convergence", "importance", "parallel", "points"]
    );
    let labels = [
        "units",
        "d_unit",
        "leak",
        "features",
        "last",
        "mean",
        "max",
        "validation accuracy",
    ];
    for label in labels {
        assert!(says(&figures["parallel"], label), "{label}");
    }
    let lines = |results: &Results| {
        let svg = drawn(results, None)["parallel"].svg().to_owned();
        svg.matches("<polyline").count()
    };
    let mut other = sweep(60);
    let whole = lines(&other);
    other.trials[5].point.remove("reservoir.leak");
    assert_eq!(lines(&other), whole + 1, "a line in two pieces");
    other.trials[7].score = None;
    assert_eq!(lines(&other), whole, "and one line fewer");
    assert_eq!(
        figures["convergence"].svg().matches("<circle").count(),
        2 * 59
    );
    assert!(
        says(&figures["convergence"], "widths; line: the best so far")
            && says(&figures["convergence"], "trial")
    );
    assert!(says(
        &figures["importance"],
        "share of the variance of validation accuracy"
    ));
    // Keys that exclude one another, and one that no trial has, leave the next pair that a trial has.
    let mut apart = sweep(10);
    apart.keys.insert(0, "learning.bias".into());
    for trial in &mut apart.trials {
        let gone = [
            "reservoir.population.0.d_unit",
            "reservoir.population.0.units",
        ];
        trial.point.remove(gone[trial.trial as usize % 2]);
    }
    let figures = drawn(&apart, None);
    assert!(says(&figures["points"], "units") && says(&figures["points"], "leak"));
    // Of few trials nobody can tell what matters, and of one key with numbers there is no plane.
    let mut few = sweep(10);
    few.keys = vec!["reservoir.leak".into(), "readout.features".into()];
    let names: Vec<&str> = drawn(&few, None).keys().copied().collect();
    assert_eq!(names, ["convergence", "parallel"]);
}
