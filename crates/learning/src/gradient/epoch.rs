//! One epoch: gradient steps over mini-batches of the training set, and how good the network then is.

use std::ops::ControlFlow;

use burn::backend::Autodiff;
use burn::module::AutodiffModule;
use burn::tensor::TensorData;
use ndarray::{Array2, ArrayView2, Axis};
use ran_tasks::{Category, Metric, stack_rows};
use ran_unit::dropout;

use super::Run;
use crate::backend::host;
use crate::batch::{Batch, epoch_rng, shuffled, stripes, targets};
use crate::core::Memory;
use crate::loss::{Loss, link};
use crate::model::{Predictions, Readout};
use crate::session::{Epoch, Event, Session};
use crate::states::{Pass, Rows};
use crate::view::View;
use crate::{LearningBackend, LearningError};

impl<B: LearningBackend> Run<'_, B> {
    /// Makes one pass over the training set; none if it was stopped on the way.
    pub(super) fn epoch(
        &mut self,
        session: &mut Session<'_>,
    ) -> Result<Option<Epoch>, LearningError> {
        let learning = &self.config.learning;
        let view = self.config.view()?;
        let features = view.features;
        let truncate = learning.truncate.steps(self.config.reservoir.context);
        let mut rng = epoch_rng(self.card.seed, self.done);
        let train = &self.dataset.train[..];
        let batches = match learning.carry {
            true => stripes(train.len(), learning.batch),
            false => {
                let order = shuffled(train, &mut rng);
                order.chunks(learning.batch).map(<[_]>::to_vec).collect()
            }
        };
        let of = batches.len();
        let mut carried: Option<Memory<Autodiff<B>>> = None;
        let warm_up = learning.warm_up * of as f64;
        let mut sums = Sums::default();
        let mut learning_rate = 0.0;
        for (done, indices) in batches.into_iter().enumerate() {
            if session.stopped() {
                return Ok(None);
            }
            let samples = indices.iter().map(|&index| &train[index]);
            let noise = Some((learning.input_noise, &mut rng));
            let batch =
                Batch::<Autodiff<B>>::new(self.dataset, samples, features, noise, self.device);
            let backbone = &self.network.backbone;
            let memory = carried.take();
            let memory = memory.unwrap_or_else(|| backbone.core.start(indices.len(), self.device));
            let (states, memory) = backbone.forward(batch.inputs, memory, truncate, Some(&mut rng));
            carried = learning.carry.then(|| memory.detach());
            let rows = features.gather(view.tensor(states), &batch.scored);
            let rows = dropout(rows, learning.dropout, &mut rng);
            let outputs = self.network.readout.forward(rows);
            let category = self.dataset.category;
            // A product is nobody else's, and goes to the host as it lies; what the graph shares is copied number by number.
            let on_host = host(outputs.clone().inner().mul_scalar(1.0));
            let (seen, targets) = (on_host.view(), batch.targets.view());
            let loss = Loss::of(category, learning.label_smoothing, seen, targets);
            if !loss.value.is_finite() {
                return Err(self.diverged(loss.value, done + 1));
            }
            sums.add(category, self.dataset.metric, loss.value, on_host, targets);
            let factor =
                learning
                    .schedule
                    .factor(self.done * of + done, learning.epochs * of, warm_up);
            learning_rate = learning.learning_rate * factor;
            let gradients = loss.behind(outputs).backward();
            let network = self.network.clone();
            let stepped = self.optimiser.step(learning_rate, network, gradients);
            // A gradient that is no number makes the next loss one that is none.
            self.network = stepped.ok_or_else(|| self.diverged(f64::NAN, done + 1))?;
            session.tell(Event::Step {
                epoch: self.done + 1,
                epochs: learning.epochs,
                done: done + 1,
                of,
            });
        }
        let numbers = self.network.numbers();
        // The last step has no loss after it that would show it.
        let finite = |data: &TensorData| data.iter::<f32>().all(f32::is_finite);
        if !numbers.values().all(finite) {
            return Err(self.diverged(f64::NAN, of));
        }
        let judged = match self.judge(&view, session) {
            Err(LearningError::Stopped) => return Ok(None),
            judged => judged?,
        };
        self.done += 1;
        self.kept = numbers;
        if let Some((loss, score)) = judged {
            self.compare(loss, score);
        }
        Ok(Some(Epoch {
            epoch: self.done,
            epochs: learning.epochs,
            learning_rate,
            loss: sums.loss / sums.rows,
            train: sums.score / sums.rows,
            valid_loss: judged.map(|(loss, _)| loss),
            valid: judged.map(|(_, score)| score),
            best: self.best.map(|best| best.epoch),
        }))
    }

    /// The loss and the score on the validation set, where there is one.
    ///
    /// # Errors
    ///
    /// If the session is stopped while there is more than a moment's work left.
    fn judge(
        &self,
        view: &View,
        session: &Session<'_>,
    ) -> Result<Option<(f64, f64)>, LearningError> {
        let samples = &self.dataset.valid[..];
        if samples.is_empty() {
            return Ok(None);
        }
        let network = self.network.valid();
        let category = self.dataset.category;
        let readout = Readout::of(&network.readout, link(category));
        let mut predictions = Predictions::new(&readout, view, samples);
        let mut outputs = vec![Array2::zeros((0, self.card.d_output)); samples.len()];
        let pass = Pass {
            backbone: &network.backbone,
            view,
            samples,
            device: self.device,
        };
        let outcome = pass.each(
            &mut |left| session.ends(left),
            &mut |Rows { index, rows, .. }| {
                let own = readout.outputs(rows.view());
                predictions.collect(index, own.view());
                outputs[index]
                    .append(Axis(0), own.view())
                    .expect("outputs share their width");
                ControlFlow::Continue(())
            },
        );
        if outcome.is_break() {
            return Err(LearningError::Stopped);
        }
        let outputs = stack_rows(&outputs);
        let targets = targets(self.dataset, samples, view.features);
        let loss = Loss::of(category, 0.0, outputs.view(), targets.view());
        let (predictions, targets) = (
            stack_rows(&predictions.of),
            self.dataset.stack_targets(samples),
        );
        let metric = self.dataset.metric;
        let score = metric.score(predictions.view(), targets.view());
        Ok(Some((loss.value, score)))
    }
}

/// Sums over the rows of an epoch.
#[derive(Default)]
struct Sums {
    rows: f64,
    loss: f64,
    score: f64,
}

impl Sums {
    fn add(
        &mut self,
        category: Category,
        metric: Metric,
        loss: f64,
        outputs: Array2<f32>,
        targets: ArrayView2<'_, f32>,
    ) {
        let mut predictions = outputs;
        link(category).apply(&mut predictions);
        let rows = targets.nrows() as f64;
        self.rows += rows;
        self.loss += rows * loss;
        self.score += rows * metric.score(predictions.view(), targets);
    }
}
