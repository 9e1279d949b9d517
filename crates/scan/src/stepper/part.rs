//! How the units are shared by threads.

use std::ops::Range;

use crate::buffer::Buffer;
use crate::spec::{Place, Population, ScanSpec};
use crate::wiring::Fan;

/// Units that one thread computes: a range of slots.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) shares: Vec<Share>,
    pub(super) slots: Range<usize>,
    pub(super) scratch: Buffer,
    /// The last C rows z of its slots in turns (sliding memory), else those of the step at hand.
    pub(super) z: Buffer,
    pub(super) out: Buffer,
    /// What a wiring of sums reads, `[rows, d_input + d_state]`; empty for one of copies.
    pub(super) sources: Buffer,
}

/// A part's units of one population.
#[derive(Clone, Debug)]
pub(super) struct Share {
    pub(super) population: usize,
    pub(super) units: Range<usize>,
    pub(super) window: Buffer,
}

/// Weights of units and wiring that are worth a thread of their own: some ten microseconds' work.
const WORTH_A_THREAD: usize = 50_000;

/// Shares the units out among parts of about equal work: one per thread, or fewer where the weights are few. The
/// first unit's wires stand for all of its kind.
pub(super) fn parts(spec: &ScanSpec, threads: usize) -> Vec<Part> {
    let worth = (spec.weights_len() + spec.wiring().sources().len()) / WORTH_A_THREAD;
    let count = threads.min(worth.max(1)).max(1);
    let cost = |population: &Population, place: Place| {
        let slots = place.state..place.state + population.d_unit;
        let wires: usize = slots.map(|slot| spec.wiring().of(slot).0.len()).sum();
        place.unit_weights + wires
    };
    let costs = spec
        .places()
        .map(|(population, place)| population.units * cost(population, place));
    let each = costs.sum::<usize>().div_ceil(count).max(1);
    let mut parts: Vec<Part> = Vec::new();
    let mut weights = 0;
    for (index, (population, place)) in spec.places().enumerate() {
        let unit_cost = cost(population, place);
        let mut unit = 0;
        while unit < population.units {
            // A part takes units until it has its share of the weights.
            let end = (weights / each + 1) * each;
            let room = (end - weights).div_ceil(unit_cost.max(1)).max(1);
            let until = population.units.min(unit + room);
            let first = place.state + unit * population.d_unit;
            let slots = first..place.state + until * population.d_unit;
            let window_len = population.kernel.window_len(place.shape);
            let share = Share {
                population: index,
                units: unit..until,
                window: Buffer::zeros((until - unit) * window_len),
            };
            let full = weights >= parts.len() * each;
            match parts.last_mut().filter(|_| !full) {
                Some(part) => {
                    part.slots.end = slots.end;
                    part.shares.push(share);
                }
                None => parts.push(Part {
                    shares: vec![share],
                    slots,
                    scratch: Buffer::default(),
                    z: Buffer::default(),
                    out: Buffer::default(),
                    sources: Buffer::default(),
                }),
            }
            weights += (until - unit) * unit_cost;
            unit = until;
        }
    }
    let scratch = spec
        .places()
        .map(|(population, place)| population.kernel.scratch_len(place.shape, 1));
    let scratch = scratch.max().unwrap_or(0);
    for part in &mut parts {
        let width = part.slots.len();
        part.scratch = Buffer::zeros(scratch);
        part.z = Buffer::zeros(spec.context() * width);
        part.out = Buffer::zeros(spec.step_rows() * width);
        if spec.wiring().fan() != Fan::Copies {
            let all = spec.d_input() + spec.d_state();
            part.sources = Buffer::zeros(spec.step_rows() * all);
        }
    }
    parts
}
