//! Forecasting: columns of a series, `horizon` steps later.

use super::labelled::check_widths;
use super::recording::{Case, Recordings, single};
use crate::{Category, Dataset, FilesConfig, Sample, TaskError, holes, series, split};
use ndarray::{Array2, s};
use std::path::Path;

/// What a forecast is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forecast {
    /// How many steps later the targets are due.
    pub(super) horizon: usize,
    /// How many steps from each series' start are not scored.
    pub(super) warm_up: usize,
    /// The fraction of the training part that is for validation.
    pub(super) valid: f64,
}

impl Forecast {
    /// The data set of one series, split by time: train, validation, test.
    pub(super) fn by_time(self, data: &Recordings, test: f64) -> Result<Dataset, TaskError> {
        let case = &data.cases[0];
        let steps = self.check_length(case, &data.path)?;
        let train = steps - (steps as f64 * test).round() as usize;
        let learnt = train - (train as f64 * self.valid).round() as usize;
        for (key, fraction, part) in [
            ("test_fraction", test, steps - train),
            ("valid", self.valid, train - learnt),
        ] {
            let nothing_learnt = learnt == 0 && (key == "valid" || train == 0);
            if (part == 0 && (key == "test_fraction" || fraction > 0.0)) || nothing_learnt {
                let problem =
                    format!("{fraction} of {steps} scored steps leaves a part of the series empty");
                return Err(TaskError::key(FilesConfig::NAME, key, problem));
            }
        }
        if self.warm_up >= learnt {
            let problem = format!(
                "{} is not allowed; the series has {learnt} training steps, of which at least one must be scored",
                self.warm_up
            );
            return Err(TaskError::key(FilesConfig::NAME, "warm_up", problem));
        }
        let scored = series::Scored {
            train: self.warm_up..learnt,
            valid: learnt..train,
            test: train..steps,
        };
        let (inputs, targets) = self.arrays(case, steps);
        let dataset = series::by_time(FilesConfig::NAME, inputs.view(), targets.view(), scored);
        Ok(Dataset {
            input_names: data.input_names.clone(),
            output_names: data.output_names.clone(),
            ..dataset
        })
    }

    /// The data set of training and test series. Several training series are split at random for validation, one by time.
    pub(super) fn pair(
        self,
        train: Recordings,
        test: Recordings,
        seed: u64,
    ) -> Result<Dataset, TaskError> {
        let d_input = check_widths(&train, &test)?;
        let samples = |recordings: &Recordings| -> Result<Vec<Sample>, TaskError> {
            let sample = |case| self.sample(case, &recordings.path);
            recordings.cases.iter().map(sample).collect()
        };
        let d_output = train.cases[0].series.ncols();
        let mut dataset = Dataset {
            input_names: train.input_names.clone(),
            output_names: train.output_names.clone(),
            train: samples(&train)?,
            test: samples(&test)?,
            ..Dataset::new(FilesConfig::NAME, Category::Regression, [d_input, d_output])
        };
        if train.cases.len() == 1 && self.valid > 0.0 {
            // The validation part takes the place of the test part in time.
            let alone = Self { valid: 0.0, ..self };
            let parts = alone
                .by_time(&train, self.valid)
                .map_err(|error| TaskError::key(FilesConfig::NAME, "valid", error.to_string()))?;
            dataset.train = parts.train;
            dataset.valid = parts.test;
        } else {
            split::split_off_valid(&mut dataset, FilesConfig::NAME, self.valid, seed)?;
        }
        Ok(dataset)
    }

    fn sample(self, case: &Case, path: &Path) -> Result<Sample, TaskError> {
        let steps = self.check_length(case, path)?;
        if self.warm_up >= steps {
            let problem = format!(
                "the series has {steps} steps with a target, and `warm_up` takes {} of them; at least one must be scored",
                self.warm_up
            );
            return Err(case.place.error(path, problem));
        }
        let (inputs, targets) = self.arrays(case, steps);
        let mut sample = Sample {
            inputs,
            scored: (self.warm_up..steps).collect(),
            targets: targets.slice(s![self.warm_up.., ..]).to_owned(),
        };
        holes::unscore(&mut sample);
        Ok(sample)
    }

    /// The inputs of the first `steps` steps and the targets that are due at them.
    fn arrays(self, case: &Case, steps: usize) -> (Array2<f32>, Array2<f32>) {
        let inputs = single(&case.inputs.slice(s![..steps, ..]).to_owned());
        let targets = single(&case.series.slice(s![self.horizon.., ..]).to_owned());
        (inputs, targets)
    }

    /// How many steps have a target, at least one.
    fn check_length(self, case: &Case, path: &Path) -> Result<usize, TaskError> {
        let (steps, horizon) = (case.inputs.nrows(), self.horizon);
        if steps > horizon {
            return Ok(steps - horizon);
        }
        let problem = format!(
            "the series has {steps} steps; a horizon of {horizon} needs more than that many"
        );
        Err(case.place.error(path, problem))
    }
}
