//! Microseconds per step of the fused scan, for the shapes that the peers are measured with.
//!
//! `cargo run --release -p ran-kernel --example bench`

use std::sync::Arc;
use std::time::Instant;

use ran_kernel::{
    AttentionBlock, Memory, Needs, Output, Population, ScanSpec, ScannedGradients, Sequences,
    Wiring, scan_backward, scan_forward, scan_forward_taped,
};

const D_INPUT: usize = 12;
const D_OUTPUT: usize = 9;

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

fn spec(units: usize, d_unit: usize, context: usize, memory: Memory) -> ScanSpec {
    let d_state = units * d_unit;
    let slot = |k: usize| match k.is_multiple_of(3) && k / 3 < D_INPUT {
        true => k / 3,
        false => D_INPUT + (k * 7) % d_state,
    };
    let wiring = Wiring::copies((0..d_state).map(|k| slot(k) as u32).collect());
    let kernel = Arc::new(AttentionBlock::default());
    let population = Population {
        kernel,
        units,
        d_unit,
        output: Output::Identity,
    };
    ScanSpec::new(memory, context, D_INPUT, 1.0, wiring, vec![population]).expect("a reservoir")
}

/// The least time of several runs, in microseconds per step.
fn least(steps: usize, repeats: usize, mut run: impl FnMut()) -> f64 {
    run();
    let mut best = f64::INFINITY;
    for _ in 0..repeats {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best / steps as f64 * 1e6
}

fn main() {
    let repeats = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(20);
    let cases: Vec<(usize, usize, usize)> = match std::env::args().nth(2) {
        Some(list) => list
            .split(';')
            .map(|c| {
                let n: Vec<usize> = c.split(',').map(|x| x.parse().unwrap()).collect();
                (n[0], n[1], n[2])
            })
            .collect(),
        None => vec![(20, 16, 4), (40, 32, 4), (100, 8, 5), (8, 64, 4)],
    };
    let batch: usize = std::env::args()
        .nth(3)
        .and_then(|n| n.parse().ok())
        .unwrap_or(32);
    let steps = if batch == 1 { 200 } else { 28 };
    for (units, d_unit, context) in cases {
        for memory in [Memory::Rewritten, Memory::Sliding] {
            let spec = spec(units, d_unit, context, memory);
            let d_state = spec.d_state();
            let weights = noise(
                spec.weights_len(),
                std::env::var("WS").map_or(1.0, |x| x.parse::<f32>().unwrap())
                    / (d_unit as f32).sqrt(),
            );
            let readout = noise(d_state * D_OUTPUT, 1.0 / (d_unit as f32).sqrt());
            let weights = spec.split(&weights).expect("weights");
            let inputs = noise(batch * steps * D_INPUT, 1.7);
            let rows = vec![0.0; spec.rows_len(batch)];
            let older_inputs = vec![0.0; spec.older_inputs_len(batch)];
            let sequences = Sequences {
                batch,
                steps,
                inputs: &inputs,
                rows: &rows,
                older_inputs: &older_inputs,
            };
            let forward = least(steps, repeats, || {
                scan_forward(&spec, &weights, sequences).expect("a scan");
            });
            // Σ_t mean((h_t·readout)²), with the product done once for all steps.
            let train = if std::env::args().nth(4).is_some() {
                0.0
            } else {
                least(steps, repeats / 2, || {
                    let (output, tape) =
                        scan_forward_taped(&spec, &weights, sequences).expect("a scan");
                    let gradient = loss_gradient(&output.states, &readout, d_state, batch);
                    let needs = Needs {
                        weights: true,
                        inputs: false,
                        rows: false,
                    };
                    let given = ScannedGradients {
                        states: Some(&gradient),
                        rows: None,
                    };
                    scan_backward(&spec, &weights, &tape, given, None, needs).expect("a way back");
                })
            };
            println!(
                "{units},{d_unit},{context},{batch},{steps} {memory:?}: forward {forward:.1}, train {train:.1}"
            );
        }
    }
}

/// The gradient of the loss; a stand-in for a readout's own, at about its cost.
fn loss_gradient(output: &[f32], readout: &[f32], d_state: usize, batch: usize) -> Vec<f32> {
    let mut gradient = vec![0.0; output.len()];
    let share = 2.0 / (batch * D_OUTPUT) as f32;
    for (h, g) in output
        .chunks_exact(d_state)
        .zip(gradient.chunks_exact_mut(d_state))
    {
        let mut y = [0.0f32; D_OUTPUT];
        for (h, w) in h.iter().zip(readout.chunks_exact(D_OUTPUT)) {
            for o in 0..D_OUTPUT {
                y[o] += h * w[o];
            }
        }
        for (g, w) in g.iter_mut().zip(readout.chunks_exact(D_OUTPUT)) {
            *g = share * (0..D_OUTPUT).map(|o| y[o] * w[o]).sum::<f32>();
        }
    }
    gradient
}
