//! The limit on the vectors of the scan, and what `bench` says of the processor.

use std::path::Path;

use crate::{command, run, succeed};

const BENCH: &[&str] = &[
    "bench",
    "--case",
    "4,4,2,8,3",
    "--memory",
    "sliding",
    "--phase",
    "forward",
    "--repeats",
    "1",
];

fn here() -> &'static Path {
    Path::new(".")
}

#[test]
fn bench_limits_the_vectors_and_says_which_share_of_the_peak_it_reaches() {
    let plain = succeed(here(), &[BENCH, &["--vectors", "plain", "--json"]].concat());
    let lines = plain.lines();
    assert_eq!(
        lines.len(),
        1,
        "a line of JSON per measurement: {}",
        plain.out
    );
    assert_eq!(lines[0]["vectors"], "scalar");
    for field in ["us_per_step", "gflops", "share_of_peak"] {
        let number = lines[0][field].as_f64();
        assert!(
            number.is_some_and(|number| number > 0.0),
            "{field}: {}",
            plain.out
        );
    }
    let table = succeed(here(), &[BENCH, &["--vectors", "avx2"]].concat()).out;
    assert!(
        table.contains("the processor's peak with scalar: "),
        "{table}"
    );
    assert!(!table.contains("AVX-512"), "{table}");
    assert!(
        table.contains("of the peak") && table.contains(" %"),
        "{table}"
    );
}

#[test]
fn the_environment_limits_the_vectors_of_any_command_and_the_option_goes_before_it() {
    let limited = |value: &str, more: &[&str]| {
        let arguments = [BENCH, &["--json"], more].concat();
        let mut command = command(here(), &arguments);
        let output = command.env("RAN_VECTORS", value).output().unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        line["vectors"].as_str().unwrap().to_owned()
    };
    assert_eq!(limited("plain", &[]), "scalar");
    assert_ne!(
        limited("plain", &["--vectors", "avx512"]),
        limited("plain", &[])
    );
}

#[test]
fn a_wrong_name_of_vectors_is_answered_with_the_allowed_ones() {
    let allowed = "\"sse9\" names no vectors; allowed are avx512, avx2 and plain";
    let outcome = run(here(), &[BENCH, &["--vectors", "sse9"]].concat());
    assert_eq!(outcome.code, Some(2));
    // clap says which value is wrong before the reason.
    assert!(
        outcome.err.contains("avx512, avx2 and plain"),
        "{}",
        outcome.err
    );
    for arguments in [BENCH, &["experiment", "--list"]] {
        let mut command = command(here(), arguments);
        let output = command.env("RAN_VECTORS", "sse9").output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(
            err.contains("RAN_VECTORS") && err.contains(allowed),
            "{err}"
        );
    }
}
