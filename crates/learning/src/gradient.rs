//! Training by gradient: walks over the training set in mini-batches, judged after each on the validation set.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use burn::backend::Autodiff;
use burn::module::AutodiffModule;
use burn::tensor::{ElementConversion, Tensor, TensorData, backend::Backend};
use ndarray::{Array2, Axis, concatenate};
use ran_readout::Link;
use ran_tasks::{Category, Dataset, Metric, Sample};

use crate::batch::{Batch, dropout_mask, epoch_rng, shuffled};
use crate::checkpoint::{Best, Checkpoint};
use crate::loss::loss;
use crate::model::Readout;
use crate::network::{Network, Path};
use crate::optimiser::Optimiser;
use crate::session::{Epoch, Event, Session};
use crate::states::{scan, walk_features};
use crate::train::score;
use crate::{LearningBackend, LearningError, ModelCard, ModelConfig};

/// What training by gradient came to.
pub(crate) struct Outcome<B: Backend> {
    /// The network of the last epoch, or of the best one where training stops early.
    pub(crate) network: Network<B>,
    /// Whether it was stopped before its time.
    pub(crate) interrupted: bool,
    /// Epochs that are done.
    pub(crate) epochs: usize,
    /// The epoch of the network.
    pub(crate) epoch: usize,
    /// What the last epoch came to.
    pub(crate) last: Option<Epoch>,
}

/// Trains a network from a seed, or from the session's checkpoint.
///
/// # Errors
///
/// If the configuration is wrong, the checkpoint is not this run's or cannot be saved, or the loss leaves the range of
/// numbers.
pub(crate) fn train_by_gradient<B: LearningBackend>(
    card: &ModelCard,
    dataset: &Dataset,
    device: &B::Device,
    session: &mut Session<'_>,
) -> Result<Outcome<B>, LearningError> {
    let mut run = Run::<B>::begin(card, dataset, device, session)?;
    let config = &card.config.learning;
    let mut interrupted = false;
    while run.done < config.epochs && !run.is_stale() {
        let Some(epoch) = run.epoch(session)? else {
            interrupted = true;
            break;
        };
        session.tell(Event::Epoch(epoch));
        run.last = Some(epoch);
        run.save(session)?;
    }
    run.end(interrupted)
}

struct Run<'a, B: Backend> {
    card: &'a ModelCard,
    config: &'a ModelConfig,
    dataset: &'a Dataset,
    device: &'a B::Device,
    network: Network<Autodiff<B>>,
    optimiser: Optimiser<B>,
    /// Epochs that are done.
    done: usize,
    last: Option<Epoch>,
    best: Option<Best>,
    /// The best epoch's parameters.
    best_numbers: BTreeMap<Path, TensorData>,
    /// The parameters after the last epoch that is done; empty before the first.
    kept: BTreeMap<Path, TensorData>,
}

impl<'a, B: LearningBackend> Run<'a, B> {
    fn begin(
        card: &'a ModelCard,
        dataset: &'a Dataset,
        device: &'a B::Device,
        session: &mut Session<'_>,
    ) -> Result<Self, LearningError> {
        let config = &card.config;
        let (d_input, d_output) = (card.d_input, card.d_output);
        let network = Network::init(config, d_input, d_output, card.seed, device)?;
        let mut run = Self {
            card,
            config,
            dataset,
            device,
            network,
            optimiser: Optimiser::new(&config.learning),
            done: 0,
            last: None,
            best: None,
            best_numbers: BTreeMap::new(),
            kept: BTreeMap::new(),
        };
        if let Some(bytes) = session.resume {
            let checkpoint = Checkpoint::from_bytes(bytes, card)?;
            let numbers = &checkpoint.now;
            run.network = run
                .network
                .with_numbers(numbers)
                .map_err(LearningError::Checkpoint)?;
            let moments = &checkpoint.moments;
            run.optimiser = run.optimiser.with_moments(&run.network, moments, device);
            run.done = checkpoint.header.last.epoch;
            run.last = Some(checkpoint.header.last);
            run.best = checkpoint.header.best;
            run.best_numbers = checkpoint.best;
            run.kept = checkpoint.now;
        }
        Ok(run)
    }

    /// Whether the validation score has not grown for long enough.
    fn is_stale(&self) -> bool {
        let patience = self.config.learning.patience;
        match (patience, self.best) {
            (Some(patience), Some(best)) => self.done - best.epoch >= patience,
            _ => false,
        }
    }

    /// Walks once over the training set; none if it was stopped on the way.
    fn epoch(&mut self, session: &mut Session<'_>) -> Result<Option<Epoch>, LearningError> {
        let learning = &self.config.learning;
        let features = self.config.features();
        let truncate = learning.truncate.steps(self.config.reservoir.context);
        let mut rng = epoch_rng(self.card.seed, self.done);
        let order = shuffled(&self.dataset.train, &mut rng);
        let of = order.len().div_ceil(learning.batch);
        let warm_up = learning.warm_up * of as f64;
        let mut sums = Sums::default();
        let mut learning_rate = 0.0;
        for (done, indices) in order.chunks(learning.batch).enumerate() {
            if session.stopped() {
                return Ok(None);
            }
            let samples = indices.iter().map(|&index| &self.dataset.train[index]);
            let noise = Some((learning.input_noise, &mut rng));
            let batch = Batch::<Autodiff<B>>::new(samples, features, noise, self.device);
            let states = scan(&self.network.reservoir, batch.inputs, truncate);
            let rows = features.gather(states, &batch.scored);
            let rows = if learning.dropout > 0.0 {
                let mask = dropout_mask(rows.dims(), learning.dropout, &mut rng, self.device);
                rows * mask
            } else {
                rows
            };
            let outputs = self.network.readout.forward(rows);
            let category = self.dataset.category;
            let smoothing = learning.label_smoothing;
            let loss = loss(category, smoothing, outputs.clone(), batch.targets);
            let value: f64 = loss.clone().into_scalar().elem();
            if !value.is_finite() {
                return Err(self.diverged(value, done + 1));
            }
            let metric = self.dataset.metric;
            sums.add(
                category,
                metric,
                value,
                outputs.inner(),
                &batch.host_targets,
            );
            let factor =
                learning
                    .schedule
                    .factor(self.done * of + done, learning.epochs * of, warm_up);
            learning_rate = learning.learning_rate * factor;
            let gradients = loss.backward();
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
        self.done += 1;
        self.kept = self.network.numbers();
        let judged = self.judge();
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
    fn judge(&self) -> Option<(f64, f64)> {
        let samples = &self.dataset.valid[..];
        if samples.is_empty() {
            return None;
        }
        let network = self.network.valid();
        let features = self.config.features();
        let category = self.dataset.category;
        let readout = Readout::of(&network.readout, features, Link::Identity);
        let mut outputs = vec![Array2::zeros((0, 0)); samples.len()];
        let mut targets = outputs.clone();
        let mut predictions = outputs.clone();
        walk_features(
            &network.reservoir,
            features,
            samples,
            self.device,
            &mut |index, rows| {
                let sample: &Sample = &samples[index];
                outputs[index] = readout.outputs(rows.view());
                let steps = sample.inputs.nrows();
                targets[index] = features.targets(steps, &sample.scored, sample.targets.view());
                let mut collected = features.collect(steps, &sample.scored, outputs[index].view());
                link(category).apply(&mut collected);
                predictions[index] = collected;
                ControlFlow::Continue(())
            },
        );
        let joined = |parts: &[Array2<f32>]| {
            let views: Vec<_> = parts.iter().map(|rows| rows.view()).collect();
            let joined = concatenate(Axis(0), &views).expect("rows share d_output");
            let (rows, d_output) = joined.dim();
            let numbers = joined.iter().copied().collect();
            let data = TensorData::new(numbers, [rows, d_output]);
            Tensor::<B, 2>::from_data(data, self.device)
        };
        let value = loss(category, 0.0, joined(&outputs), joined(&targets));
        let value = value.into_scalar().elem();
        Some((value, score(self.dataset, samples, &predictions)))
    }

    /// Keeps the epoch if it is better than those before: by score, and by loss where scores are equal.
    fn compare(&mut self, loss: f64, score: f64) {
        let higher = self.dataset.metric.higher_is_better();
        let better = self.best.is_none_or(|best| {
            let gain = if higher {
                score - best.score
            } else {
                best.score - score
            };
            gain > 0.0 || gain == 0.0 && loss < best.loss
        });
        if better {
            let epoch = self.done;
            self.best = Some(Best { epoch, score, loss });
            self.best_numbers.clone_from(&self.kept);
        }
    }

    /// The parameters that a run which ends now leaves, and their epoch: the best ones where it was to stop early.
    fn result(&self) -> (Option<usize>, &BTreeMap<Path, TensorData>) {
        match (self.config.learning.patience, self.best) {
            (Some(_), Some(best)) => (Some(best.epoch), &self.best_numbers),
            _ => ((self.done > 0).then_some(self.done), &self.kept),
        }
    }

    fn diverged(&self, loss: f64, step: usize) -> LearningError {
        // What came of the validation set is better than the epoch that led here.
        let (kept, numbers) = match self.best {
            Some(best) => (Some(best.epoch), &self.best_numbers),
            None => self.result(),
        };
        let network = kept.and_then(|_| self.network.valid().with_numbers(numbers).ok());
        let model = network.and_then(|network| {
            let mut card = self.card.clone();
            card.forget_closed_form();
            network.into_model(card).to_bytes().ok()
        });
        LearningError::Diverged {
            loss,
            epoch: self.done + 1,
            step,
            kept: kept.filter(|_| model.is_some()),
            model,
        }
    }

    fn save(&self, session: &mut Session<'_>) -> Result<(), LearningError> {
        let (Some(save), Some(last)) = (&mut session.save, self.last) else {
            return Ok(());
        };
        let checkpoint = Checkpoint::new(
            self.card.clone(),
            last,
            self.best,
            self.kept.clone(),
            self.best_numbers.clone(),
            self.optimiser.moments(&self.network),
        );
        let epoch = self.done;
        save(&checkpoint.to_bytes()?).map_err(|source| LearningError::Save { epoch, source })
    }

    fn end(self, interrupted: bool) -> Result<Outcome<B>, LearningError> {
        let (epoch, numbers) = self.result();
        let inner = self.network.valid();
        let (epochs, last) = (self.done, self.last);
        let early = self.config.learning.patience.is_some() && self.best.is_some();
        let network = if early {
            let network = inner.with_numbers(numbers);
            network.map_err(LearningError::Checkpoint)?
        } else {
            inner
        };
        Ok(Outcome {
            network,
            interrupted,
            epochs,
            epoch: epoch.unwrap_or(0),
            last,
        })
    }
}

/// From logits to probabilities.
pub(crate) fn link(category: Category) -> Link {
    match category {
        Category::Classification => Link::Softmax,
        Category::MultiLabel => Link::Logistic,
        Category::Regression => Link::Identity,
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
    fn add<B: Backend>(
        &mut self,
        category: Category,
        metric: Metric,
        loss: f64,
        outputs: Tensor<B, 2>,
        targets: &Array2<f32>,
    ) {
        let numbers = outputs.into_data().convert::<f32>();
        let numbers = numbers.into_vec().expect("numbers were converted to f32");
        let mut predictions =
            Array2::from_shape_vec(targets.dim(), numbers).expect("outputs are as targets");
        link(category).apply(&mut predictions);
        let rows = targets.nrows() as f64;
        self.rows += rows;
        self.loss += rows * loss;
        self.score += rows * metric.score(predictions.view(), targets.view());
    }
}
