//! Training by gradient: epoch after epoch, each of them kept if it is the best, until there are enough.

mod epoch;

use std::collections::BTreeMap;

use burn::backend::Autodiff;
use burn::module::AutodiffModule;
use burn::tensor::{TensorData, backend::Backend};
use ran_tasks::Dataset;

use crate::checkpoint::{Best, Checkpoint};
use crate::network::{Network, Path};
use crate::optimiser::Optimiser;
use crate::session::{Epoch, Event, Session};
use crate::{LearningBackend, LearningError, ModelCard, ModelConfig};

/// What training by gradient came to.
pub(crate) struct Outcome<B: Backend> {
    /// The network of the last epoch, or of the best one where training stops early.
    pub(crate) network: Network<B>,
    /// Whether it was stopped before its last epoch.
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

/// A training that is under way.
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
        let network = Network::init(config, &card.inputs(), card.d_output, card.seed, device)?;
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

    /// Whether the validation score has not improved for long enough.
    fn is_stale(&self) -> bool {
        let patience = self.config.learning.patience;
        match (patience, self.best) {
            (Some(patience), Some(best)) => self.done.saturating_sub(best.epoch) >= patience,
            _ => false,
        }
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
        // The best epoch on the validation set is better than the last one.
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
