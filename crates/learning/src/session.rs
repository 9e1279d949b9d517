//! How a training run is watched, stopped, saved and taken up again.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use ran_tasks::TaskConfig;
use serde::{Deserialize, Serialize};

/// What happens while a model is trained, to be shown as progress.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Sequences of the training set have gone through the reservoir.
    States {
        /// How many.
        done: usize,
        /// How many there are.
        of: usize,
    },
    /// A gradient step has been made.
    Step {
        /// The epoch, counted from 1.
        epoch: usize,
        /// How many are planned.
        epochs: usize,
        /// The steps of the epoch that are done.
        done: usize,
        /// The steps of an epoch.
        of: usize,
    },
    /// An epoch is done, and judged on the validation set where there is one.
    Epoch(Epoch),
    /// All sequences have gone through the reservoir, and the readout is being fitted.
    Fitting,
    /// The model is being judged on the validation and test sets.
    Judging,
}

/// What an epoch came to: a line of a run's history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// How many are planned.
    pub epochs: usize,
    /// The learning rate of its last step.
    pub learning_rate: f64,
    /// The mean loss of its steps, with noise and dropout as they were.
    pub loss: f64,
    /// The score on the training set over its steps, with noise and dropout as they were.
    pub train: f64,
    /// The loss on the validation set, where there is one.
    pub valid_loss: Option<f64>,
    /// The score on the validation set, where there is one.
    pub valid: Option<f64>,
    /// The epoch whose score on the validation set is the best so far.
    #[serde(default)]
    pub best: Option<usize>,
}

/// Multiply-adds that are done in about half a second.
const MOMENT: u64 = 1 << 30;

/// What keeps the bytes of a checkpoint.
pub type Save<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// How a training run is watched, stopped, saved and taken up again. By default it is left alone.
///
/// Checkpoints are made after each epoch of training by gradient. A run that is taken up from one gives the same numbers
/// as a run that was never interrupted.
#[derive(Default)]
pub struct Session<'a> {
    /// Is told what happens.
    pub observe: Option<&'a mut dyn FnMut(Event)>,
    /// Ends the training after the current gradient step or chunk of steps when it becomes true.
    pub stop: Option<&'a AtomicBool>,
    /// Keeps the bytes of a checkpoint, instead of those of the one before.
    pub save: Option<&'a mut Save<'a>>,
    /// The bytes of the checkpoint to go on from.
    pub resume: Option<&'a [u8]>,
    /// The task's configuration, for the model's card.
    pub task: Option<&'a TaskConfig>,
}

impl Session<'_> {
    pub(crate) fn tell(&mut self, event: Event) {
        if let Some(observe) = &mut self.observe {
            observe(event);
        }
    }

    /// Whether work that only judges what is trained goes on: always, until the session is stopped, and then if so few
    /// multiply-adds are left that it is done in a moment.
    pub(crate) fn ends(&self, left: u64) -> bool {
        !self.stopped() || left <= MOMENT
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}
