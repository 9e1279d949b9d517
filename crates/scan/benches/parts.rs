//! The parts of a scan: `cargo bench -p ran-scan --profile dev`, which uses what is built already.

use std::hint::black_box;
use std::sync::Arc;

use divan::Bencher;
use ran_attention_block::AttentionBlockKernel;
use ran_scan::{
    Kernel, Memory, Needs, Output, Population, Prepared, ScanSpec, ScannedGradients, Sequences,
    Stepper, Wiring, scan_backward, scan_forward_taped,
};

const D_INPUT: usize = 12;
const BATCH: usize = 32;
const STEPS: usize = 28;

/// units, d_unit, context
const CASES: [[usize; 3]; 4] = [[20, 16, 4], [40, 32, 4], [100, 8, 5], [8, 64, 4]];
const MEMORIES: [Memory; 2] = [Memory::Sliding, Memory::Rewritten];

fn main() {
    divan::main();
}

/// Numbers in ±`scale` that look random and repeat.
fn noise(len: usize, scale: f32) -> Vec<f32> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * scale
    };
    (0..len).map(|_| next()).collect()
}

struct Given {
    spec: ScanSpec,
    batch: usize,
    weights: Vec<f32>,
    inputs: Vec<f32>,
    rows: Vec<f32>,
    older_inputs: Vec<f32>,
}

impl Given {
    fn new([units, d_unit, context]: [usize; 3], memory: Memory, batch: usize) -> Self {
        let d_state = units * d_unit;
        let slot = |k: usize| match k.is_multiple_of(3) && k / 3 < D_INPUT {
            true => k / 3,
            false => D_INPUT + (k * 7) % d_state,
        };
        let wiring = Wiring::copies((0..d_state).map(|k| slot(k) as u32).collect());
        let kernel: Arc<dyn Kernel> = AttentionBlockKernel::default().into();
        let population = Population {
            kernel,
            units,
            d_unit,
            output: Output::Identity,
        };
        let spec = ScanSpec::new(memory, context, D_INPUT, 1.0, wiring, vec![population])
            .expect("a reservoir");
        Self {
            batch,
            weights: noise(spec.weights_len(), 1.0 / (d_unit as f32).sqrt()),
            inputs: noise(batch * STEPS * D_INPUT, 1.7),
            rows: vec![0.0; spec.rows_len(batch)],
            older_inputs: vec![0.0; spec.older_inputs_len(batch)],
            spec,
        }
    }

    fn sequences(&self) -> Sequences<'_> {
        Sequences {
            batch: self.batch,
            steps: STEPS,
            inputs: &self.inputs,
            rows: &self.rows,
            older_inputs: &self.older_inputs,
        }
    }

    fn weights(&self) -> Vec<&[f32]> {
        self.spec.split(&self.weights).expect("weights")
    }
}

/// All cases in both memories.
fn cases() -> impl Iterator<Item = String> {
    let memories = MEMORIES.into_iter();
    memories.flat_map(|memory| CASES.map(|case| format!("{memory:?} {case:?}")))
}

fn case(name: &str, batch: usize) -> Given {
    let place = cases().position(|case| case == name).expect("a case");
    let (memory, case) = (place / CASES.len(), place % CASES.len());
    Given::new(CASES[case], MEMORIES[memory], batch)
}

#[divan::bench(args = cases())]
fn forward(bencher: Bencher<'_, '_>, name: &str) {
    let given = case(name, BATCH);
    let weights = given.weights();
    bencher.bench_local(|| {
        let prepared = Prepared::new(given.spec.clone(), &weights).expect("weights");
        prepared.forward(given.sequences())
    });
}

/// The scan that keeps what its backward pass needs, and that pass.
#[divan::bench(args = cases())]
fn training(bencher: Bencher<'_, '_>, name: &str) {
    let given = case(name, BATCH);
    let weights = given.weights();
    let needs = Needs {
        weights: true,
        inputs: false,
        rows: false,
    };
    bencher.bench_local(|| {
        let (scanned, tape) =
            scan_forward_taped(&given.spec, &weights, given.sequences()).expect("a scan");
        let gradient = ScannedGradients {
            states: Some(&scanned.states),
            rows: None,
        };
        scan_backward(&given.spec, &weights, &tape, gradient, None, needs)
    });
}

#[divan::bench(args = cases())]
fn step_of_one_sequence(bencher: Bencher<'_, '_>, name: &str) {
    let given = case(name, 1);
    let (rows, older) = (&given.rows, &given.older_inputs);
    let prepared = Prepared::new(given.spec.clone(), &given.weights()).expect("weights");
    let mut stepper = Stepper::new(&prepared, rows, older, 1).expect("a stepper");
    let mut state = vec![0.0; given.spec.d_state()];
    bencher.bench_local(|| {
        stepper.step(black_box(&given.inputs[..D_INPUT]), &mut state);
        black_box(&state);
    });
}
