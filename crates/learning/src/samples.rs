//! The training set as the rows that a ridge regression walks over.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use ndarray::{Array2, ArrayView2};
use ran_readout::{Features, Samples};
use ran_reservoir::{Reservoir, ScanBackend};
use ran_tasks::Sample;

use crate::session::{Event, Session};
use crate::states::walk_features;

/// Rows of features that take more memory than this are computed again for each walk instead of kept.
const KEPT_BYTES: usize = 1 << 30;

/// A sequence's index and its rows of features.
type Rows = (usize, Array2<f32>);

/// Features of sequences: kept after the first walk where they fit, else computed again, so that memory stays bounded
/// whatever the number of samples.
pub(crate) struct StateSamples<'a, 's, B: ScanBackend> {
    reservoir: &'a Reservoir<B>,
    features: Features,
    samples: &'a [Sample],
    device: &'a B::Device,
    d_output: usize,
    rows: usize,
    kept: RefCell<Option<Vec<Rows>>>,
    session: RefCell<&'a mut Session<'s>>,
}

impl<'a, 's, B: ScanBackend> StateSamples<'a, 's, B> {
    pub(crate) fn new(
        reservoir: &'a Reservoir<B>,
        features: Features,
        samples: &'a [Sample],
        d_output: usize,
        device: &'a B::Device,
        session: &'a mut Session<'s>,
    ) -> Self {
        let rows = samples.iter().map(|sample| match features {
            Features::EveryStep if sample.scored.len() == 1 => sample.scored[0] + 1,
            _ => sample.scored.len(),
        });
        Self {
            reservoir,
            features,
            samples,
            device,
            d_output,
            rows: rows.sum(),
            kept: RefCell::new(None),
            session: RefCell::new(session),
        }
    }

    /// Visits every sequence's features, unless the session is stopped on the way.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(usize, ArrayView2<'_, f32>)) {
        if let Some(kept) = &*self.kept.borrow() {
            for (index, rows) in kept {
                visit(*index, rows.view());
            }
            return;
        }
        let bytes = self.rows * self.d_features() * size_of::<f32>();
        let mut keep = (bytes <= KEPT_BYTES).then(Vec::new);
        let done = Cell::new(0);
        let mut whole = true;
        let (features, samples) = (self.features, self.samples);
        walk_features(
            self.reservoir,
            features,
            samples,
            self.device,
            &mut |index, rows| {
                visit(index, rows.view());
                if let Some(keep) = &mut keep {
                    keep.push((index, rows));
                }
                done.set(done.get() + 1);
                let mut session = self.session.borrow_mut();
                session.tell(Event::States {
                    done: done.get(),
                    of: samples.len(),
                });
                whole = !session.stopped();
                if whole {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
        );
        if whole {
            self.session.borrow_mut().tell(Event::Fitting);
            *self.kept.borrow_mut() = keep;
        }
    }
}

impl<B: ScanBackend> Samples for StateSamples<'_, '_, B> {
    fn count(&self) -> usize {
        self.rows
    }

    fn d_features(&self) -> usize {
        self.features.width(self.reservoir.d_state())
    }

    fn d_output(&self) -> usize {
        self.d_output
    }

    fn walk(&self, visit: &mut dyn FnMut(ArrayView2<'_, f32>, ArrayView2<'_, f32>)) {
        self.each(&mut |index, rows| {
            let sample = &self.samples[index];
            let steps = sample.inputs.nrows();
            let targets = self
                .features
                .targets(steps, &sample.scored, sample.targets.view());
            visit(rows, targets.view());
        });
    }
}
