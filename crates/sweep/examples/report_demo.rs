//! Two sweeps that never ran, as all files that are made of them: `cargo run -p ran-sweep --example report_demo -- DIR`.
//!
//! `widths` has 1,000 trials over two keys, as the poster has; `search` has 60 over six keys, some of them conditional, and
//! some failures; `grid` is a small one, `hostile` has texts that look like markup, `nothing` has no trial. The tests in a
//! browser (tests/browser) use them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

use ran_sweep::report::Figure;
use ran_sweep::{Parameters, Results, SeedScore, Trial, report, table};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: report_demo DIR")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    for (results, x, y) in [
        (widths(), "units", "d_unit"),
        (search(), "leak", "scale"),
        (grid(), "lambda", "features"),
    ] {
        let file = |end: &str| folder.join(format!("{}{end}", results.name));
        fs::write(file(".json"), serde_json::to_string(&results)?)?;
        fs::write(file(".html"), report::html(&results))?;
        table::write_csv(&results, File::create(file(".csv"))?)?;
        table::write_parquet(&results, File::create(file(".parquet"))?)?;
        for Figure { name, picture } in report::figures(&results, Some([x, y]))? {
            fs::write(file(&format!("-{name}.svg")), picture.svg())?;
            fs::write(file(&format!("-{name}.pdf")), picture.pdf()?)?;
        }
    }
    let nothing = Results {
        name: "nothing".into(),
        trials: Vec::new(),
        ..search()
    };
    fs::write(folder.join("nothing.html"), report::html(&nothing))?;
    fs::write(folder.join("hostile.html"), report::html(&hostile()))?;
    Ok(())
}

/// Numbers from 0 to 1 that look drawn, the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }
}

fn seeds(numbers: &mut Numbers, mean: f64, noise: f64, judged: &str) -> Vec<SeedScore> {
    let seed = |seed| {
        let score = (mean + noise * numbers.between(-1.0, 1.0)).min(1.0);
        let of = |split: &str| (split == judged).then_some(score);
        SeedScore {
            seed,
            train: Some((score + 0.01).min(1.0)),
            valid: of("valid"),
            test: of("test"),
        }
    };
    (0..3).map(seed).collect()
}

fn scored(
    number: u64,
    point: BTreeMap<String, Value>,
    parameters: Parameters,
    seeds: Vec<SeedScore>,
    seconds: f64,
) -> Trial {
    let scores = seeds.iter().filter_map(|seed| seed.valid.or(seed.test));
    let score = scores.sum::<f64>() / seeds.len() as f64;
    let set: Vec<String> = point
        .iter()
        .map(|(key, value)| format!("--set {key}={value}"))
        .collect();
    Trial {
        trial: number,
        parameters: Some(parameters),
        score: Some(score),
        seeds,
        problem: None,
        seconds,
        command: format!(
            "cargo xtask experiment japanese-vowels --seeds 0..3 {}",
            set.join(" ")
        ),
        point,
    }
}

/// 1,000 widths and numbers of units, as the poster has them.
fn widths() -> Results {
    let mut numbers = Numbers(1);
    let trials = (0..1000).map(|number| {
        let (units, width) = (
            numbers.between(1.0, 101.0).floor(),
            numbers.between(1.0, 101.0).floor(),
        );
        let total = 11.0 * units * width * width + 30.0 * units * width + 9.0 * units;
        // More is better until about 200,000 parameters; very narrow units see too little.
        let size = (total.ln() - 200_000_f64.ln()) / 6.0;
        let accuracy =
            0.984 - 0.05 * size * size - 0.5 / (1.0 + units * width / 3.0) - 0.05 / (width + 0.5);
        let point = [
            ("reservoir.population.0.units", json!(units as u64)),
            ("reservoir.population.0.d_unit", json!(width as u64)),
        ];
        let parameters = Parameters {
            trained: (9.0 * units * width) as u64,
            fixed: (total - 9.0 * units * width) as u64,
        };
        let seeds = seeds(&mut numbers, accuracy, 0.006, "valid");
        let point = point.map(|(key, value)| (key.to_owned(), value)).into();
        scored(number, point, parameters, seeds, 0.05 + total / 2e6)
    });
    Results {
        name: "widths".into(),
        metric: "accuracy".into(),
        judged: "valid".into(),
        higher_is_better: true,
        keys: [
            "reservoir.population.0.units",
            "reservoir.population.0.d_unit",
        ]
        .map(String::from)
        .to_vec(),
        logarithmic: Vec::new(),
        planned: 1000,
        trials: trials.collect(),
    }
}

/// A search of 60 trials that comes nearer to its goal as it goes on. `heads` exists for attention units alone.
fn search() -> Results {
    const KEYS: [&str; 6] = [
        "reservoir.leak",
        "reservoir.population.0.kind",
        "reservoir.population.0.heads",
        "reservoir.scale",
        "readout.features",
        "readout.bias",
    ];
    let mut numbers = Numbers(7);
    let trials = (0..60).map(|number| {
        let focus = f64::from(number) / 80.0;
        let leak = 10_f64.powf(numbers.between(-2.0, 0.0) * (1.0 - focus) - 0.5 * focus);
        let scale = 10_f64.powf(numbers.between(-2.0, 1.0) * (1.0 - focus) - 0.2 * focus);
        let attention = numbers.next() < 0.5 + 0.4 * focus;
        let heads = [1, 2, 4, 8][(numbers.next() * 4.0) as usize];
        let features = ["last", "mean", "max", "mean_and_deviation"][(numbers.next() * 4.0) as usize];
        let bias = numbers.next() < 0.5;
        let mut point: BTreeMap<String, Value> = [
            (KEYS[0], json!(leak)),
            (KEYS[1], json!(if attention { "attention" } else { "memory" })),
            (KEYS[3], json!(scale)),
            (KEYS[4], json!(features)),
            (KEYS[5], json!(bias)),
        ].map(|(key, value)| (key.to_owned(), value)).into();
        if attention {
            point.insert(KEYS[2].into(), json!(heads));
        }
        let error = 0.08 + 0.05 * (leak.log10() + 0.5).powi(2) + 0.03 * (scale.log10() + 0.2).powi(2)
            + if attention { 0.0 } else { 0.05 } + if features == "last" { 0.04 } else { 0.0 };
        let parameters = Parameters { trained: 5_769, fixed: 20_000 + 8_000 * heads };
        let seeds = seeds(&mut numbers, error, 0.01, "test");
        let mut trial = scored(number as u64, point, parameters, seeds, 20.0 + 40.0 * numbers.next());
        let problem = match number {
            _ if scale > 6.0 => Some("the states are not finite: the largest of reservoir.scale that works here is about 6"),
            23 => Some("the process was killed by signal 9 (SIGKILL); there may be too little memory"),
            _ => None,
        };
        if let Some(problem) = problem {
            (trial.score, trial.problem) = (None, Some(problem.into()));
            trial.seeds.clear();
        }
        trial
    });
    Results {
        name: "search".into(),
        metric: "nrmse".into(),
        judged: "test".into(),
        higher_is_better: false,
        keys: KEYS.map(String::from).to_vec(),
        logarithmic: ["reservoir.leak", "reservoir.scale"]
            .map(String::from)
            .to_vec(),
        planned: 80,
        trials: trials.collect(),
    }
}

/// A small grid over a logarithmic key and a text.
fn grid() -> Results {
    let mut numbers = Numbers(3);
    let lambdas = (-6..=1).map(|exponent| 10_f64.powi(exponent));
    let pairs = lambdas.flat_map(|lambda| {
        ["last", "mean", "mean, maximum and deviation"].map(|features| (lambda, features))
    });
    let trials = pairs
        .enumerate()
        .take(18)
        .map(|(number, (lambda, features))| {
            let point = [
                ("readout.lambda".to_owned(), json!(lambda)),
                ("readout.features".to_owned(), json!(features)),
            ]
            .into();
            let score = 0.9 - 0.02 * (lambda.log10() + 3.0).powi(2) / 9.0
                + 0.01 * features.len() as f64 / 20.0;
            let seeds = seeds(&mut numbers, score, 0.004, "valid");
            scored(
                number as u64,
                point,
                Parameters {
                    trained: 900,
                    fixed: 12_000,
                },
                seeds,
                0.5,
            )
        });
    Results {
        name: "grid".into(),
        metric: "accuracy".into(),
        judged: "valid".into(),
        higher_is_better: true,
        keys: ["readout.lambda", "readout.features"]
            .map(String::from)
            .to_vec(),
        logarithmic: vec!["readout.lambda".into()],
        planned: 24,
        trials: trials.collect(),
    }
}

/// Texts that would be markup and scripts if a page took them for such, and long ones.
fn hostile() -> Results {
    const MARKUP: &str =
        "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>";
    let mut results = grid();
    let long = "a_key.with.a.name.that.is.much.longer.than.any.chart.has.room.for";
    results.name = MARKUP.into();
    results.metric = format!("<b>{MARKUP}</b>");
    results.keys.extend([MARKUP.into(), long.into()]);
    for trial in &mut results.trials {
        let odd = trial.trial % 2 == 1;
        trial
            .point
            .insert(MARKUP.into(), json!(if odd { MARKUP } else { "plain" }));
        trial
            .point
            .insert(long.into(), json!("long text ".repeat(30)));
        trial.command += MARKUP;
    }
    let failed = &mut results.trials[2];
    (failed.score, failed.problem) = (None, Some(MARKUP.into()));
    failed.seeds.clear();
    results
}
