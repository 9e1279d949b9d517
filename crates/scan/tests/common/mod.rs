//! Models drawn at random, and what the scan must compute from them, written plainly.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "shared by test crates, each of which uses a part"
)]

pub mod naive;
pub mod number;

use std::sync::Arc;

use naive::{Kind, Model, Part};
use ran_attention_block::AttentionBlockKernel;
use ran_memory_unit::MemoryKernel;
use ran_qkv_unit::QkvKernel;
use ran_scan::add_norm::AddNorm;
use ran_scan::{
    Gradients, Kernel, Leaks, Memory, Needs, Population, Prepared, ScanSpec, Scanned,
    ScannedGradients, Sequences, Tape, Wiring, scan_backward, scan_forward_taped,
};
use ran_tanh_unit::TanhKernel;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Everything that a scan is given.
pub struct Case {
    pub model: Model,
    pub spec: ScanSpec,
    pub batch: usize,
    pub steps: usize,
    pub weights: Vec<f32>,
    pub inputs: Vec<f32>,
    pub rows: Vec<f32>,
    pub older_inputs: Vec<f32>,
}

pub fn kernel(kind: &Kind) -> Arc<dyn Kernel> {
    match kind.clone() {
        Kind::Block(attention, memory) => AttentionBlockKernel { attention, memory }.into(),
        Kind::Qkv(attention) => attention.into(),
        Kind::Memory(memory) => memory.into(),
        Kind::Tanh(tanh) => tanh.into(),
    }
}

pub fn numbers(random: &mut ChaCha8Rng, len: usize, scale: f32) -> Vec<f32> {
    (0..len)
        .map(|_| random.random_range(-scale..scale))
        .collect()
}

impl Case {
    /// Draws wiring (of `fan` sources per slot), weights, inputs and memory.
    pub fn new(
        seed: u64,
        memory: Memory,
        context: usize,
        leaks: impl Into<Leaks>,
        fan: usize,
        mut parts: Vec<Part>,
        [batch, steps, d_input]: [usize; 3],
    ) -> Self {
        for part in &mut parts {
            if let Kind::Qkv(qkv) | Kind::Block(qkv, _) = &mut part.kind
                && qkv.lags > 0
            {
                qkv.lags = context;
            }
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let d_state: usize = parts.iter().map(|part| part.units * part.d_unit).sum();
        let mut wiring = Vec::new();
        for slot in 0..d_state {
            let mut sources = Vec::new();
            for entry in 0..fan {
                let source = match (slot + entry) % 3 == 0 && d_input > 0 {
                    true => random.random_range(0..d_input),
                    false => d_input + random.random_range(0..d_state),
                };
                let weight = if fan == 1 {
                    1.0
                } else {
                    random.random_range(-0.8..0.8)
                };
                sources.push((source, weight));
            }
            wiring.push(sources);
        }
        let mut offsets = vec![0];
        let (mut sources, mut weights) = (Vec::new(), Vec::new());
        for slot in &wiring {
            sources.extend(slot.iter().map(|&(source, _)| source as u32));
            weights.extend(slot.iter().map(|&(_, weight)| weight));
            offsets.push(sources.len());
        }
        let populations = parts
            .iter()
            .map(|part| Population {
                kernel: kernel(&part.kind),
                units: part.units,
                d_unit: part.d_unit,
                output: part.output,
            })
            .collect();
        let leaks = leaks.into();
        let wired = Wiring::new(offsets, sources, weights).expect("a wiring");
        let spec = ScanSpec::new(memory, context, d_input, leaks.clone(), wired, populations)
            .expect("a reservoir");
        let mut weights = Vec::new();
        for part in &parts {
            let len = part.units * kernel(&part.kind).weights_len(part.d_unit);
            weights.extend(numbers(&mut random, len, 1.0 / (part.d_unit as f32).sqrt()));
        }
        assert_eq!(weights.len(), spec.weights_len());
        let rows = numbers(&mut random, spec.rows_len(batch), 1.0);
        let older_inputs = numbers(&mut random, spec.older_inputs_len(batch), 1.0);
        let inputs = numbers(&mut random, batch * steps * d_input, 1.0);
        let model = Model {
            memory,
            context,
            d_input,
            leaks,
            wiring,
            parts,
        };
        Self {
            model,
            spec,
            batch,
            steps,
            weights,
            inputs,
            rows,
            older_inputs,
        }
    }

    pub fn sequences(&self) -> Sequences<'_> {
        Sequences {
            batch: self.batch,
            steps: self.steps,
            inputs: &self.inputs,
            rows: &self.rows,
            older_inputs: &self.older_inputs,
        }
    }
}

/// The largest difference, as a share of the largest number expected.
pub fn difference(got: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len(), "as many numbers");
    let scale = expected.iter().fold(1e-3f64, |scale, x| scale.max(x.abs()));
    let each = got
        .iter()
        .zip(expected)
        .map(|(&got, &x)| (f64::from(got) - x).abs() / scale);
    each.fold(
        0.0,
        |worst: f64, x| if x.is_nan() { f64::NAN } else { worst.max(x) },
    )
}

/// Kinds of every sort that a width allows.
pub fn kinds(d_unit: usize) -> Vec<Kind> {
    use ran_memory_unit::Activation::{Gelu, Relu, Tanh};
    let qkv = |heads: usize, causal, residual, layer_norm| QkvKernel {
        heads: if d_unit.is_multiple_of(heads) {
            heads
        } else {
            1
        },
        causal,
        lags: 0,
        end: AddNorm {
            residual,
            layer_norm,
        },
    };
    // A case sets the number of lags to its context.
    let biased = |heads| QkvKernel {
        lags: 1,
        ..qkv(heads, heads == 2, heads == 1, false)
    };
    let memory = |activation, residual, layer_norm| MemoryKernel {
        activation,
        end: AddNorm {
            residual,
            layer_norm,
        },
    };
    vec![
        Kind::Block(qkv(1, false, false, false), memory(Relu, false, false)),
        Kind::Block(qkv(2, true, true, true), memory(Gelu, true, true)),
        Kind::Qkv(qkv(1, false, true, false)),
        Kind::Qkv(qkv(2, true, false, true)),
        Kind::Memory(memory(Gelu, true, false)),
        Kind::Memory(memory(Tanh, false, true)),
        Kind::Tanh(TanhKernel { linear: false }),
        Kind::Tanh(TanhKernel { linear: true }),
        Kind::Qkv(biased(1)),
        Kind::Qkv(biased(2)),
        Kind::Block(biased(1), memory(Relu, false, false)),
    ]
}

impl Case {
    /// Runs the fused scan; the answer in the order of the naive one.
    pub fn forward(&self, spec: &ScanSpec, sequences: Sequences<'_>) -> Vec<f32> {
        let weights = spec.split(&self.weights).expect("weights");
        let prepared = Prepared::new(spec.clone(), &weights).expect("weights");
        let scanned = prepared.forward(sequences).expect("a scan");
        joined(&scanned, sequences.batch, spec.d_state())
    }

    /// The same with a tape.
    pub fn taped(&self, spec: &ScanSpec) -> (Vec<f32>, Tape) {
        let weights = spec.split(&self.weights).expect("weights");
        let (scanned, tape) = scan_forward_taped(spec, &weights, self.sequences()).expect("a scan");
        (joined(&scanned, self.batch, spec.d_state()), tape)
    }

    /// Goes back, given the gradient of what [`taped`](Self::taped) returned.
    pub fn back(
        &self,
        spec: &ScanSpec,
        tape: &Tape,
        gradient: &[f32],
        truncate: Option<usize>,
        needs: Needs,
    ) -> Gradients {
        let weights = spec.split(&self.weights).expect("weights");
        let states = self.steps * spec.d_state();
        let (mut of_states, mut of_rows) = (Vec::new(), Vec::new());
        for sequence in gradient.chunks_exact(gradient.len() / self.batch) {
            of_states.extend_from_slice(&sequence[..states]);
            // Half of the last state's gradient comes through the memory's newest row.
            let newest = of_states.len() - spec.d_state()..;
            of_rows.extend_from_slice(&sequence[states..]);
            for number in &mut of_states[newest] {
                *number *= 0.5;
                of_rows.push(*number);
            }
        }
        let given = ScannedGradients {
            states: Some(&of_states),
            rows: Some(&of_rows),
        };
        scan_backward(spec, &weights, tape, given, truncate, needs).expect("a backward pass")
    }

    /// Numbers in what the scan returns.
    pub fn output_len(&self) -> usize {
        let older = self.batch * (self.spec.context() - 1) * self.spec.d_state();
        self.spec.states_len(self.batch, self.steps) + older
    }
}

/// States and older rows as the naive scan returns them: of each sequence first the ones, then the others.
fn joined(scanned: &Scanned, batch: usize, d_state: usize) -> Vec<f32> {
    let part = |numbers: &[f32], b: usize| {
        let len = numbers.len() / batch;
        numbers[b * len..][..len].to_vec()
    };
    let sequence = |b| {
        let (states, mut rows) = (part(&scanned.states, b), part(&scanned.rows, b));
        let newest = rows.split_off(rows.len() - d_state);
        assert_eq!(newest, states[states.len() - d_state..], "the newest row");
        [states, rows].concat()
    };
    (0..batch).flat_map(sequence).collect()
}
