//! Benchmarks, through the library: as unit tests they would have burn's generic code compiled once more.

#![allow(missing_docs, reason = "a test crate")]

use ran_bench::{Bench, Case, Curve, Measurement, Network, Peak, Phase, with_growth};
use ran_experiment::BackendKind;
use ran_reservoir::MemoryKind;
use ran_scan::Arch;

#[test]
fn a_case_is_five_numbers_and_says_so() {
    let case: Case = "20,16,4,32,28".parse().unwrap();
    assert_eq!(case, Case::USUAL[0]);
    assert_eq!(case.to_string(), "20,16,4,32,28");
    for wrong in [
        "",
        "20,16,4,32",
        "20,16,4,32,0",
        "a,1,1,1,1",
        "1,1,1,1,1,1",
        "-1,1,1,1,1",
        "1000,1000,11,1,1",
        "1,1,1,1000000,1000000",
    ] {
        let error = wrong.parse::<Case>().unwrap_err().to_string();
        assert!(error.contains("units,dim,context,batch,steps"), "{error}");
    }
}

#[test]
fn operations_are_those_of_reservoir_and_readout_three_times_in_training() {
    let bench = |phase| Bench {
        network: Network::AttentionBlocks,
        case: Case::of([2, 4, 3, 5, 7]),
        memory: MemoryKind::Sliding,
        phase,
        repeats: 1,
    };
    // 11·D² + 2·C·D in each of 2 units, 5 sequences; 9 outputs of 8 state dimensions.
    let reservoir = 2 * (11 * 16 + 2 * 3 * 4);
    let forward = bench(Phase::Forward).multiply_adds(reservoir, 8);
    assert!((forward - 5.0 * (400.0 + 72.0 / 7.0)).abs() < 1e-9);
    let train = bench(Phase::Train).multiply_adds(reservoir, 8);
    assert!((train - 5.0 * 3.0 * 472.0).abs() < 1e-9);
}

#[test]
fn the_share_of_the_peak_is_that_of_the_widest_vectors_on_the_processor_alone() {
    let peak = Peak(vec![("AVX2", 50.0), ("scalar", 5.0)]);
    let measured = |backend| Measurement {
        framework: "ran",
        backend,
        network: None,
        memory: MemoryKind::Sliding,
        phase: Phase::Forward,
        case: String::new(),
        us_per_step: 1.0,
        gflops: 20.0,
        vectors: None,
        share_of_peak: None,
    };
    let found = measured("ndarray").beside(&peak);
    assert_eq!(
        (found.vectors, found.share_of_peak),
        (Some("AVX2"), Some(0.4))
    );
    let found = measured("wgpu").beside(&peak);
    assert_eq!((found.vectors, found.share_of_peak), (None, None));
}

#[test]
fn every_network_and_phase_is_measured() {
    let case = Case::of([2, 4, 3, 2, 5]);
    for network in [
        Network::AttentionBlocks,
        Network::EchoState,
        Network::Transformer,
    ] {
        for memory in [MemoryKind::Sliding, MemoryKind::Rewritten] {
            for phase in [Phase::Forward, Phase::Train] {
                let bench = Bench {
                    network,
                    case: Case { units: 10, ..case },
                    memory,
                    phase,
                    repeats: 1,
                };
                let measured = bench.measure(BackendKind::Ndarray).unwrap();
                assert!(measured.us_per_step > 0.0);
                assert!(measured.gflops >= 0.0);
                assert_eq!(measured.case, "10,4,3,2,5");
            }
        }
    }
}

#[test]
fn every_instruction_set_is_measured_the_widest_first() {
    let peak = Peak::measure();
    assert_eq!(peak.each().len(), Arch::available().len());
    assert!(peak.each().iter().all(|(_, gflops)| *gflops > 0.0));
    assert_eq!(peak.fastest(), peak.each().first().copied());
}

#[test]
fn what_is_said_of_a_curve_is_computed_from_it() {
    let curve = |last: f64| with_growth("RAN", &[[4.0, 2.0], [16.0, 9.0], [64.0, last]]);
    assert_eq!(curve(2.1), "RAN: × 1.05 from 4 to 64");
    assert_eq!(curve(20.0), "RAN: × 10.00 from 4 to 64");
    assert_eq!(with_growth("RAN", &[[4.0, 2.0]]), "RAN");
    // A title says what is plotted, whatever comes out.
    for curve in Curve::ALL {
        assert!(
            curve.title.starts_with("Time of a step, by the "),
            "{}",
            curve.title
        );
    }
}
