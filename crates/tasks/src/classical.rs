//! The classical tasks of reservoir computing: series to forecast, a system to imitate, inputs to remember.
//!
//! Each is one series, split by time into training, validation and test steps; a split is the series from its start, scored
//! on the split's own steps, and the first `warm_up` training steps are not scored.

mod lorenz;
mod mackey_glass;
mod memory_capacity;
mod narma;
mod santa_fe;

pub use lorenz::LorenzConfig;
pub use mackey_glass::MackeyGlassConfig;
pub use memory_capacity::MemoryCapacityConfig;
pub use narma::NarmaConfig;
pub use santa_fe::SantaFeConfig;

use crate::{Dataset, TaskError, series};
use ndarray::{Array2, s};
use std::ops::RangeInclusive;

/// How many steps are scored in each split, and how many are skipped in front.
#[derive(Clone, Copy, Debug)]
struct Steps {
    warm_up: usize,
    train: usize,
    valid: usize,
    test: usize,
}

/// No series is longer, so that a slip of the pen does not fill the memory.
const LONGEST: usize = 10_000_000;

impl Steps {
    fn of(
        task: &'static str,
        warm_up: usize,
        train: usize,
        valid: usize,
        test: usize,
    ) -> Result<Self, TaskError> {
        check(task, "warm_up", warm_up, 0..=LONGEST)?;
        check(task, "train", train, 1..=LONGEST)?;
        check(task, "valid", valid, 0..=LONGEST)?;
        check(task, "test", test, 1..=LONGEST)?;
        Ok(Self {
            warm_up,
            train,
            valid,
            test,
        })
    }

    fn sum(self) -> usize {
        self.warm_up + self.train + self.valid + self.test
    }

    /// The data set in which `targets`, at least [`sum`](Self::sum) rows as `inputs`, are due at their own step.
    fn split(
        self,
        task: &'static str,
        inputs: &Array2<f64>,
        targets: &Array2<f64>,
        standardise: bool,
    ) -> Dataset {
        let single = |array: &Array2<f64>| array.slice(s![..self.sum(), ..]).mapv(|x| x as f32);
        let train = self.warm_up + self.train;
        let scored = series::Scored {
            train: self.warm_up..train,
            valid: train..train + self.valid,
            test: train + self.valid..self.sum(),
        };
        let mut dataset =
            series::by_time(task, single(inputs).view(), single(targets).view(), scored);
        if standardise {
            dataset.standardise();
        }
        dataset
    }

    /// The data set in which each row of `values`, [`sum`](Self::sum) + `horizon` of them, is due `horizon` steps early.
    fn forecast(
        self,
        task: &'static str,
        values: &Array2<f64>,
        horizon: usize,
        standardise: bool,
    ) -> Dataset {
        let targets = values.slice(s![horizon.., ..]).to_owned();
        self.split(task, values, &targets, standardise)
    }
}

fn check(
    task: &'static str,
    key: &'static str,
    value: usize,
    allowed: RangeInclusive<usize>,
) -> Result<(), TaskError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let (least, most) = allowed.into_inner();
    let problem = format!("{value} is not allowed; {least} to {most} are");
    Err(TaskError::key(task, key, problem))
}

#[cfg(test)]
mod tests {
    use crate::TaskConfig;

    fn message(text: &str) -> String {
        toml::from_str::<TaskConfig>(text)
            .unwrap()
            .load(0)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn splits_follow_one_another_after_the_warm_up() {
        for name in ["mackey-glass", "narma", "lorenz", "memory-capacity"] {
            let text = format!("name = '{name}'\nwarm_up = 10\ntrain = 30\nvalid = 5\ntest = 7");
            let dataset = toml::from_str::<TaskConfig>(&text)
                .unwrap()
                .load(1)
                .unwrap();
            assert_eq!(
                dataset.train[0].scored,
                (10..40).collect::<Vec<_>>(),
                "{name}"
            );
            assert_eq!(dataset.valid[0].scored, (40..45).collect::<Vec<_>>());
            assert_eq!(dataset.test[0].scored, (45..52).collect::<Vec<_>>());
            assert_eq!(dataset.test[0].inputs.nrows(), 52);
            let all = [&dataset.train[0], &dataset.test[0]];
            assert!(
                all.iter()
                    .all(|s| s.inputs.iter().chain(&s.targets).all(|x| x.is_finite()))
            );
            let load = |seed| {
                toml::from_str::<TaskConfig>(&text)
                    .unwrap()
                    .load(seed)
                    .unwrap()
            };
            assert_eq!(load(1), dataset);
            assert_ne!(load(2).train, dataset.train);
        }
    }

    #[test]
    fn what_is_not_allowed_is_said_in_a_sentence() {
        for (text, expected) in [
            (
                "name = 'mackey-glass'\ntau = 0",
                "task mackey-glass, key `tau`: 0 is not allowed; 1 to 1000 are",
            ),
            (
                "name = 'mackey-glass'\nhorizon = 0",
                "key `horizon`: 0 is not allowed; 1 to",
            ),
            (
                "name = 'narma'\norder = 20",
                "key `order`: 20 is not allowed; 10 and 30 are",
            ),
            (
                "name = 'lorenz'\ntest = 0",
                "key `test`: 0 is not allowed; 1 to",
            ),
            (
                "name = 'lorenz'\nstep = 0.5",
                "key `step`: 0.5 is not allowed",
            ),
            (
                "name = 'memory-capacity'\ndelays = 0",
                "key `delays`: 0 is not allowed",
            ),
            (
                "name = 'lorenz'\ntrain = 99999999",
                "key `train`: 99999999 is not allowed",
            ),
            (
                "name = 'santa-fe'\nfrom = 'nowhere.npy'",
                "nowhere.npy cannot be read",
            ),
        ] {
            let message = message(text);
            assert!(
                message.contains(expected),
                "expected «{expected}», got «{message}»"
            );
        }
    }
}
