//! One seed of a run: train, judge, draw, and write the results down.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use ran_learning::{Event, LearningError};
use ran_tasks::Dataset;
use serde::Serialize;

use super::{Notice, Observe, RunError, wrong_model};
use crate::backend::compute;
use crate::folder::{RunFile, RunFolder};
use crate::pictures::pictures_of_run;
use crate::work::{Outcome, Training};
use crate::{Experiment, FolderError, FreeRunScores, Record, RunOptions};

/// One seed of a run.
pub(super) struct SeedRun<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) options: &'a RunOptions,
    pub(super) dataset: &'a Dataset,
    pub(super) seed: u64,
    pub(super) start: Instant,
    pub(super) checkpoint: Option<Vec<u8>>,
}

/// A line of `history.jsonl`.
#[derive(Serialize)]
struct HistoryLine {
    seed: u64,
    #[serde(flatten)]
    epoch: ran_learning::Epoch,
}

impl SeedRun<'_> {
    /// Trains and judges, and writes the results down. False if it was stopped.
    pub(super) fn run(
        &self,
        folder: &mut RunFolder,
        records: &mut Vec<Record>,
        stop: &AtomicBool,
        observe: &mut Observe<'_>,
    ) -> Result<bool, RunError> {
        let first = records.is_empty();
        let save = first && !self.options.without_model;
        let outcome = self.train(folder, save, stop, observe);
        let mut outcome = match outcome {
            Err(RunError::Learning {
                source: LearningError::Stopped,
                ..
            }) => return Ok(false),
            other => other?,
        };
        if let Some(model) = outcome.model.take() {
            folder.put(RunFile::Model, &model)?;
        }
        // The pictures are of the model that is kept.
        if first && !self.options.without_pictures && !outcome.report.interrupted {
            self.draw(&mut outcome, folder)?;
        }
        let record = self.record(outcome);
        let line = serde_json::to_string(&record).map_err(io::Error::from)?;
        folder.add(RunFile::Records, &line)?;
        if !record.report.interrupted {
            folder.remove(RunFile::Checkpoint)?;
        }
        observe(Notice::Record(&record, &line))?;
        let goes_on = !record.report.interrupted;
        records.push(record);
        Ok(goes_on)
    }

    fn train(
        &self,
        folder: &mut RunFolder,
        save: bool,
        stop: &AtomicBool,
        observe: &mut Observe<'_>,
    ) -> Result<Outcome, RunError> {
        let folder = RefCell::new(folder);
        // The learning crate knows no folders: what went wrong with one is kept here until it has returned.
        let failed: RefCell<Option<FolderError>> = RefCell::new(None);
        let fail = |error: FolderError| {
            let told = io::Error::new(error.source.kind(), error.to_string());
            failed.borrow_mut().get_or_insert(error);
            told
        };
        let job = Training {
            experiment: self.experiment,
            dataset: self.dataset,
            seed: self.seed,
            save,
            stop,
            resume: self.checkpoint.as_deref(),
            observe: &mut |event| {
                if let Event::Epoch(epoch) = event {
                    let seed = self.seed;
                    let line = serde_json::to_string(&HistoryLine { seed, epoch });
                    let line = line.expect("an epoch is plain numbers");
                    // The checkpoint, which is written next, fails for the same reason and ends the run.
                    let added = folder.borrow_mut().add(RunFile::History, &line);
                    let _ = added.map_err(fail);
                }
                // A progress bar that cannot be drawn is no reason to stop.
                drop(observe(Notice::Learning(event)));
            },
            checkpoint: &mut |bytes| {
                let written = folder.borrow_mut().put(RunFile::Checkpoint, bytes);
                written.map_err(fail)
            },
        };
        let outcome = compute(self.options.backend, job)?;
        if let Some(error) = failed.take() {
            return Err(error.into());
        }
        outcome.map_err(|source| self.wrong(source, &mut folder.borrow_mut()))
    }

    /// What a failed training is to the run; a model that it left goes into the folder.
    fn wrong(&self, mut source: LearningError, folder: &mut RunFolder) -> RunError {
        if let LearningError::Diverged { model, kept, .. } = &mut source {
            if self.options.without_model {
                (*model, *kept) = (None, None);
            }
            let Some(model) = model.take() else {
                return wrong_model(self.experiment, source);
            };
            return match folder.put(RunFile::Model, &model) {
                Ok(()) => RunError::Diverged {
                    origin: self.experiment.origin.clone(),
                    seed: self.seed,
                    source: Box::new(source),
                    folder: folder.path().into(),
                },
                Err(error) => error.into(),
            };
        }
        wrong_model(self.experiment, source)
    }

    /// Draws how the model learnt and what it makes of the test set. A picture that cannot be drawn is a warning: the numbers are there.
    fn draw(&self, outcome: &mut Outcome, folder: &mut RunFolder) -> Result<(), RunError> {
        let task = &self.experiment.config.task;
        let history = folder.lines(RunFile::History);
        let drawn = pictures_of_run(task, self.dataset, outcome, history, self.seed);
        for (file, picture) in drawn {
            let files = picture.and_then(|picture| Ok((picture.png()?, picture)));
            match files {
                Ok((png, picture)) => folder.write_picture(file, picture.svg(), &png)?,
                Err(error) => outcome.report.warnings.push(error.to_string()),
            }
        }
        Ok(())
    }

    fn record(&self, outcome: Outcome) -> Record {
        let config = &self.experiment.config;
        let mut report = outcome.report;
        report
            .warnings
            .splice(0..0, self.dataset.notes.iter().cloned());
        let chosen = config.chosen.as_ref();
        if let Some(chosen) = chosen.filter(|chosen| chosen.seeds.contains(self.seed)) {
            report.warnings.push(chosen.warning());
        }
        let mut scores = [Some(report.train), report.valid, report.test].into_iter();
        if !report.interrupted && scores.any(|one| one.is_some_and(|score| !score.is_finite())) {
            let problem =
                "a score is no number: states or outputs left the range of 32-bit numbers";
            let advice = match config.network {
                Some(_) => "",
                None => {
                    "; output = \"tanh\" or layer_norm = true in the population usually keeps them finite"
                }
            };
            report.warnings.push(format!("{problem}{advice}"));
        }
        let seconds = self.start.elapsed().as_secs_f64();
        Record {
            experiment: self.experiment.name.clone(),
            task: config.task.name().into(),
            backend: self.options.backend.name().into(),
            seed: self.seed,
            regime: config.learning.regime.name().into(),
            metric: self.dataset.metric.name().into(),
            report,
            free_run: FreeRunScores::of(&config.task, &outcome.free_runs),
            // Milliseconds are as fine as a reader needs.
            seconds: (seconds * 1e3).round() / 1e3,
            version: env!("CARGO_PKG_VERSION").into(),
            config: config.clone(),
        }
    }
}
