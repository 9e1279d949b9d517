//! The training set as the rows that a ridge regression passes over.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use ndarray::ArrayView2;
use ran_readout::Samples;
use ran_reservoir::ScanBackend;
use ran_tasks::Dataset;

use crate::backbone::Backbone;
use crate::session::{Event, Session};
use crate::states::{Pass, Rows};
use crate::view::View;

/// Rows of features that take more memory than this are computed again for each pass instead of kept.
const KEPT_BYTES: usize = 1 << 30;
/// The same where a row stands for few steps: to compute such rows again costs little more than to read them.
const KEPT_BYTES_OF_CHEAP_ROWS: usize = 1 << 27;
/// Steps for each row of features from which on rows are not cheap.
const DEAR_STEPS: usize = 8;

/// Features of a data set's training sequences: kept after the first pass where they fit, else computed again, so that memory stays bounded
/// whatever the number of samples and of their steps.
pub(crate) struct StateSamples<'a, 's, B: ScanBackend> {
    pass: Pass<'a, B>,
    dataset: &'a Dataset,
    rows: usize,
    kept: RefCell<Option<Vec<Rows>>>,
    session: RefCell<&'a mut Session<'s>>,
}

impl<'a, 's, B: ScanBackend> StateSamples<'a, 's, B> {
    pub(crate) fn new(
        backbone: &'a Backbone<B>,
        view: &'a View,
        dataset: &'a Dataset,
        device: &'a B::Device,
        session: &'a mut Session<'s>,
    ) -> Self {
        let samples = &dataset.train[..];
        let rows = samples.iter();
        let rows = rows.map(|sample| view.features.count(&sample.scored));
        Self {
            dataset,
            rows: rows.sum(),
            kept: RefCell::new(None),
            session: RefCell::new(session),
            pass: Pass {
                backbone,
                view,
                samples,
                device,
            },
        }
    }

    /// Visits every sequence's rows of features, a long one's in several pieces, unless the session is stopped on the way.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(usize, usize, ArrayView2<'_, f32>)) {
        if let Some(kept) = &*self.kept.borrow() {
            for piece in kept {
                if self.session.borrow().stopped() {
                    return;
                }
                visit(piece.index, piece.first, piece.rows.view());
            }
            return;
        }
        let mut keep = self.fits().then(Vec::new);
        let done = Cell::new(0);
        let of = self.pass.samples.len();
        let outcome = self.pass.each(
            &mut |_| !self.session.borrow().stopped(),
            &mut |piece: Rows| {
                visit(piece.index, piece.first, piece.rows.view());
                done.set(done.get() + usize::from(piece.last));
                if let Some(keep) = &mut keep {
                    keep.push(piece);
                }
                let mut session = self.session.borrow_mut();
                let done = done.get();
                session.tell(Event::States { done, of });
                match session.stopped() {
                    false => ControlFlow::Continue(()),
                    true => ControlFlow::Break(()),
                }
            },
        );
        if outcome.is_continue() {
            self.session.borrow_mut().tell(Event::Fitting);
            *self.kept.borrow_mut() = keep;
        }
    }

    /// Whether all rows are few enough to be kept.
    fn fits(&self) -> bool {
        let bytes = self
            .rows
            .saturating_mul(self.d_features() * size_of::<f32>());
        let steps: usize = self.pass.samples.iter().map(|one| one.inputs.nrows()).sum();
        let most = match steps >= DEAR_STEPS.saturating_mul(self.rows) {
            true => KEPT_BYTES,
            false => KEPT_BYTES_OF_CHEAP_ROWS,
        };
        bytes <= most
    }
}

impl<B: ScanBackend> Samples for StateSamples<'_, '_, B> {
    fn count(&self) -> usize {
        self.rows
    }

    fn d_features(&self) -> usize {
        self.pass.view.width()
    }

    fn d_output(&self) -> usize {
        self.dataset.d_output
    }

    fn pass(&self, visit: &mut dyn FnMut(ArrayView2<'_, f32>, ArrayView2<'_, f32>)) {
        self.each(&mut |index, first, rows| {
            let sample = &self.pass.samples[index];
            let targets = self.pass.view.features.targets_of(
                first..first + rows.nrows(),
                &sample.scored,
                sample.targets.view(),
            );
            let targets = self.dataset.one_hot(targets);
            visit(rows, targets.view());
        });
    }
}
