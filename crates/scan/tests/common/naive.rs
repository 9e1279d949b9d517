//! The scan as the model's pages define it, one number after another.

use super::number::Number;
use ran_memory_unit::{Activation, MemoryKernel};
use ran_qkv_unit::QkvKernel;
use ran_scan::add_norm::AddNorm;
use ran_scan::{Leaks, Memory, Output};
use ran_tanh_unit::TanhKernel;

#[derive(Debug, Clone)]
pub enum Kind {
    Block(QkvKernel, MemoryKernel),
    Qkv(QkvKernel),
    Memory(MemoryKernel),
    Tanh(TanhKernel),
}

#[derive(Debug, Clone)]
pub struct Part {
    pub kind: Kind,
    pub units: usize,
    pub d_unit: usize,
    pub output: Output,
}

#[derive(Debug, Clone)]
pub struct Model {
    pub memory: Memory,
    pub context: usize,
    pub d_input: usize,
    pub leaks: Leaks,
    pub wiring: Vec<Vec<(usize, f32)>>,
    pub parts: Vec<Part>,
}

type Rows<T> = Vec<Vec<T>>;

/// The tensors of one population, each with the units first.
struct Tensors<'a, T> {
    rest: &'a [T],
    units: usize,
    unit: usize,
}

impl<'a, T> Tensors<'a, T> {
    fn next(&mut self, len: usize) -> &'a [T] {
        let (tensor, rest) = self.rest.split_at(self.units * len);
        self.rest = rest;
        &tensor[self.unit * len..][..len]
    }
}

impl Model {
    pub fn d_state(&self) -> usize {
        self.wiring.len()
    }

    /// The packed output `[batch, steps + context − 1, d_state]`.
    pub fn scan<T: Number>(
        &self,
        weights: &[T],
        inputs: &[T],
        rows: &[T],
        older_inputs: &[T],
        [batch, steps]: [usize; 2],
        truncate: Option<usize>,
    ) -> Vec<T> {
        let (context, d_input, d_state) = (self.context, self.d_input, self.d_state());
        let older = older_inputs.len() / batch;
        let mut packed = Vec::new();
        for b in 0..batch {
            let mut memory: Rows<T> = rows[b * context * d_state..][..context * d_state]
                .chunks(d_state)
                .map(<[T]>::to_vec)
                .collect();
            let mut window: Rows<T> = older_inputs[b * older..][..older]
                .chunks(d_input.max(1))
                .map(<[T]>::to_vec)
                .collect();
            for step in 0..steps {
                if step > 0 && truncate.is_some_and(|every| step % every == 0) {
                    let constant = |row: &mut Vec<T>| row.iter_mut().for_each(|x| *x = x.detach());
                    memory.iter_mut().for_each(constant);
                    window.iter_mut().for_each(constant);
                }
                let x = inputs[(b * steps + step) * d_input..][..d_input].to_vec();
                match self.memory {
                    Memory::Sliding => self.slide(weights, &mut memory, &x),
                    Memory::Rewritten => {
                        window.push(x);
                        self.rewrite(weights, &mut memory, &window);
                        window.remove(0);
                    }
                }
                packed.extend_from_slice(&memory[context - 1]);
            }
            memory[..context - 1]
                .iter()
                .for_each(|row| packed.extend_from_slice(row));
        }
        packed
    }

    fn slide<T: Number>(&self, weights: &[T], memory: &mut Rows<T>, x: &[T]) {
        let state = memory.pop().expect("the state");
        memory.push(self.wire(x, &state));
        let out = self.units(weights, memory);
        let newest = self.leaked(&state, &out[self.context - 1]);
        memory.remove(0);
        memory.push(newest);
    }

    fn rewrite<T: Number>(&self, weights: &[T], memory: &mut Rows<T>, window: &Rows<T>) {
        let z: Rows<T> = memory
            .iter()
            .zip(window)
            .map(|(row, x)| self.wire(x, row))
            .collect();
        let out = self.units(weights, &z);
        *memory = memory
            .iter()
            .zip(&out)
            .map(|(old, out)| self.leaked(old, out))
            .collect();
    }

    fn leaked<T: Number>(&self, old: &[T], out: &[T]) -> Vec<T> {
        let widths = self.parts.iter();
        let widths = widths.flat_map(|part| std::iter::repeat_n(part.d_unit, part.units));
        let leaks = widths
            .enumerate()
            .flat_map(|(unit, width)| std::iter::repeat_n(self.leaks.of(unit), width));
        old.iter()
            .zip(out)
            .zip(leaks)
            .map(|((&old, &out), leak)| {
                let (keep, take) = (T::of(f64::from(1.0 - leak)), T::of(f64::from(leak)));
                keep * old + take * out
            })
            .collect()
    }

    fn wire<T: Number>(&self, x: &[T], state: &[T]) -> Vec<T> {
        let read = |source: usize| match source < self.d_input {
            true => x[source],
            false => state[source - self.d_input],
        };
        let slot = |sources: &Vec<(usize, f32)>| {
            sources.iter().fold(T::of(0.0), |sum, &(source, weight)| {
                sum + T::of(f64::from(weight)) * read(source)
            })
        };
        self.wiring.iter().map(slot).collect()
    }

    /// The output rows of all units, `[context, d_state]`.
    fn units<T: Number>(&self, mut weights: &[T], z: &Rows<T>) -> Rows<T> {
        let mut all: Rows<T> = vec![Vec::new(); z.len()];
        let mut state = 0;
        for part in &self.parts {
            let used = part.units * super::kernel(&part.kind).weights_len(part.d_unit);
            for unit in 0..part.units {
                let tensors = &mut Tensors {
                    rest: weights,
                    units: part.units,
                    unit,
                };
                let window: Rows<T> = z
                    .iter()
                    .map(|row| row[state..][..part.d_unit].to_vec())
                    .collect();
                let rows = match &part.kind {
                    Kind::Block(qkv, memory) => {
                        let attended = attend(qkv, tensors, &window);
                        recall(memory, tensors, &attended)
                    }
                    Kind::Qkv(qkv) => attend(qkv, tensors, &window),
                    Kind::Memory(memory) => recall(memory, tensors, &window),
                    Kind::Tanh(tanh) => {
                        let bias = tensors.next(part.d_unit);
                        let row = |row: &Vec<T>| match tanh.linear {
                            true => plus(row, bias),
                            false => plus(row, bias).into_iter().map(T::tanh).collect(),
                        };
                        window.iter().map(row).collect()
                    }
                };
                for (all, row) in all.iter_mut().zip(&rows) {
                    match part.output {
                        Output::Identity => all.extend_from_slice(row),
                        Output::Tanh => all.extend(row.iter().map(|&x| x.tanh())),
                        Output::LayerNorm => all.extend(normalised(row)),
                    }
                }
                state += part.d_unit;
            }
            weights = &weights[used..];
        }
        all
    }
}

fn plus<T: Number>(a: &[T], b: &[T]) -> Vec<T> {
    a.iter().zip(b).map(|(&a, &b)| a + b).collect()
}

fn product<T: Number>(x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
    let outs = bias.len();
    let column = |o: usize| {
        x.iter()
            .enumerate()
            .fold(bias[o], |sum, (k, &x)| sum + x * weight[k * outs + o])
    };
    (0..outs).map(column).collect()
}

fn normalised<T: Number>(row: &[T]) -> Vec<T> {
    let count = T::of(row.len() as f64);
    let mean = row.iter().fold(T::of(0.0), |sum, &x| sum + x) / count;
    let variance = row
        .iter()
        .fold(T::of(0.0), |sum, &x| sum + (x - mean) * (x - mean))
        / count;
    let deviation = (variance + T::of(1e-5)).sqrt();
    row.iter().map(|&x| (x - mean) / deviation).collect()
}

fn finish<T: Number>(end: AddNorm, tensors: &mut Tensors<'_, T>, z: &Rows<T>, rows: &mut Rows<T>) {
    if end.residual {
        rows.iter_mut()
            .zip(z)
            .for_each(|(row, z)| *row = plus(row, z));
    }
    if end.layer_norm {
        let d = z[0].len();
        let (gain, bias) = (tensors.next(d), tensors.next(d));
        for row in rows {
            let scaled: Vec<T> = normalised(row)
                .iter()
                .zip(gain)
                .map(|(&x, &gain)| x * gain)
                .collect();
            *row = plus(&scaled, bias);
        }
    }
}

fn attend<T: Number>(qkv: &QkvKernel, tensors: &mut Tensors<'_, T>, z: &Rows<T>) -> Rows<T> {
    let d = z[0].len();
    let mut all = || {
        let (weight, bias) = (tensors.next(d * d), tensors.next(d));
        z.iter()
            .map(|row| product(row, weight, bias))
            .collect::<Rows<T>>()
    };
    let (queries, keys, values) = (all(), all(), all());
    let lag_bias = tensors.next(qkv.heads * qkv.lags);
    let head = d / qkv.heads;
    let mut rows = vec![vec![T::of(0.0); d]; z.len()];
    for first in (0..d).step_by(head) {
        for (i, row) in rows.iter_mut().enumerate() {
            let seen = if qkv.causal { i + 1 } else { z.len() };
            let score = |(j, key): (usize, &Vec<T>)| {
                let sum =
                    (first..first + head).fold(T::of(0.0), |sum, d| sum + queries[i][d] * key[d]);
                let score = sum / T::of((head as f64).sqrt());
                match qkv.lags > 0 && j <= i {
                    true => score + lag_bias[first / head * qkv.lags + i - j],
                    false => score,
                }
            };
            let scores: Vec<T> = keys[..seen].iter().enumerate().map(score).collect();
            let top = scores
                .iter()
                .fold(f64::MIN, |top, score| top.max(score.value()));
            let powers: Vec<T> = scores
                .iter()
                .map(|&score| (score - T::of(top)).exp())
                .collect();
            let sum = powers.iter().fold(T::of(0.0), |sum, &power| sum + power);
            for (value, &power) in values.iter().zip(&powers) {
                for d in first..first + head {
                    row[d] = row[d] + power / sum * value[d];
                }
            }
        }
    }
    finish(qkv.end, tensors, z, &mut rows);
    rows
}

fn recall<T: Number>(memory: &MemoryKernel, tensors: &mut Tensors<'_, T>, z: &Rows<T>) -> Rows<T> {
    let d = z[0].len();
    let (up, up_bias) = (tensors.next(4 * d * d), tensors.next(4 * d));
    let (down, down_bias) = (tensors.next(4 * d * d), tensors.next(d));
    let act = |x: T| match memory.activation {
        Activation::Relu => x.relu(),
        Activation::Gelu => x.gelu(),
        Activation::Tanh => x.tanh(),
    };
    let row = |row: &Vec<T>| {
        let wide: Vec<T> = product(row, up, up_bias).into_iter().map(act).collect();
        product(&wide, down, down_bias)
    };
    let mut rows: Rows<T> = z.iter().map(row).collect();
    finish(memory.end, tensors, z, &mut rows);
    rows
}
