//! The example of a unit of your own runs, and computes what it says.

#[path = "../../../../examples/src/bin/own_unit.rs"]
mod example;

use ran_reservoir::{PopulationConfig, ReservoirConfig, UnitKind};
use ran_unit::{RngStream, uniform};

const UNITS: usize = 3;
const D_UNIT: usize = 4;
const D_STATE: usize = UNITS * D_UNIT;
const D_INPUT: usize = 2;
const CONTEXT: usize = 5;

/// The example's states again, in plain loops: the wiring's copies, the window, the leaky mean.
fn states_in_plain_loops() -> Vec<f32> {
    let slots = PopulationConfig::new(UnitKind::TanhUnit, UNITS, D_UNIT);
    let config = ReservoirConfig::new(CONTEXT, vec![slots]);
    let wiring = config
        .wire(D_INPUT, &mut RngStream::Wiring.rng(1))
        .expect("12 slots are enough for 2 inputs");
    let gain = uniform(D_STATE, 1.0, &mut RngStream::Weights(0).rng(1));
    let mut window = vec![[0.0_f32; D_STATE]; CONTEXT];
    let mut state = [0.0_f32; D_STATE];
    let mut states = Vec::new();
    for step in 0..20 {
        let mut read = Vec::new();
        read.extend((0..D_INPUT).map(|at| ((step * D_INPUT + at) as f32 * 0.3).sin()));
        read.extend(state);
        window.remove(0);
        let mut row = [0.0; D_STATE];
        for (slot, &source) in row.iter_mut().zip(wiring.sources()) {
            *slot = read[source as usize];
        }
        window.push(row);
        for slot in 0..D_STATE {
            let mean = window
                .iter()
                .fold(0.0, |mean, row| (mean + row[slot]) * 0.5);
            state[slot] = (mean * gain[slot]).tanh();
        }
        states.extend(state);
    }
    states
}

#[test]
fn the_example_runs() {
    example::main().expect("the example's numbers fit one another");
}

#[test]
fn a_unit_of_ones_own_computes_what_plain_loops_do() {
    let states = example::states().expect("the example's numbers fit one another");
    assert_eq!(states.dims(), [1, 20, D_STATE]);
    let states: Vec<f32> = states.into_data().into_vec().expect("states are f32");
    for (at, (got, expected)) in states.iter().zip(states_in_plain_loops()).enumerate() {
        approx::assert_abs_diff_eq!(*got, expected, epsilon = 1e-6);
        assert!(got.abs() < 1.0, "number {at} is beyond tanh: {got}");
    }
    assert!(
        states[19 * D_STATE..]
            .iter()
            .any(|state| state.abs() > 0.05)
    );
}
