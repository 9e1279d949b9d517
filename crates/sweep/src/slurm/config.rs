//! The table `[slurm]` of a sweep's file.

use serde::{Deserialize, Serialize};

use super::SlurmError;

/// How trials are run by Slurm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlurmConfig {
    /// The partition; none leaves it to Slurm.
    pub partition: Option<String>,
    /// The account that is charged; none leaves it to Slurm.
    pub account: Option<String>,
    /// The quality of service; none leaves it to Slurm.
    pub qos: Option<String>,
    /// The time limit of an array task: `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`,
    /// `days-hours:minutes` or `days-hours:minutes:seconds`. None leaves it to the partition.
    pub time: Option<String>,
    /// Processors of an array task, at least 1, and the threads that its worker computes with.
    pub cpus_per_task: u32,
    /// Memory of an array task, as `4G` or `500M`; none leaves it to the partition.
    pub memory: Option<String>,
    /// How many tasks an array has at most, at least 1; Slurm's own MaxArraySize limits it further.
    pub array_size: u32,
    /// How many trials an array task runs, at least 1. None: as few as make one array of all.
    pub trials_per_task: Option<u32>,
    /// How many array tasks may run at once, at least 1; none leaves it to Slurm.
    pub max_running: Option<u32>,
    /// How many array tasks may wait or run at once, at least 1. One array is submitted even where it alone has more.
    pub max_queued: u32,
    /// More options of `sbatch`, as in `["--constraint=avx512", "--comment=\"two words\""]`: each becomes a line `#SBATCH`. What
    /// is set above and what the sweep needs goes first.
    pub extra: Vec<String>,
    /// How often a trial that left no result is run again.
    pub retries: u32,
    /// How many seconds lie between two looks at the queue, at least 1. The first looks come sooner.
    pub poll_seconds: u64,
    /// How many seconds a call of `sbatch`, `squeue`, `scontrol` or `scancel` may take, at least 1.
    pub client_seconds: u64,
}

impl Default for SlurmConfig {
    fn default() -> Self {
        Self {
            partition: None,
            account: None,
            qos: None,
            time: None,
            cpus_per_task: 1,
            memory: None,
            array_size: 1000,
            trials_per_task: None,
            max_running: None,
            max_queued: 5000,
            extra: Vec::new(),
            retries: 3,
            poll_seconds: 60,
            client_seconds: 60,
        }
    }
}

impl SlurmConfig {
    /// Refuses what no Slurm takes.
    ///
    /// # Errors
    ///
    /// Where a number is 0, a text is empty, the time limit has the wrong form, or a further option is none.
    pub fn check(&self) -> Result<(), SlurmError> {
        let refuse = |key: &'static str, found: &dyn std::fmt::Debug, allowed: &'static str| {
            Err(SlurmError::Option {
                key,
                found: format!("{found:?}"),
                allowed,
            })
        };
        let numbers = [
            ("cpus_per_task", u64::from(self.cpus_per_task)),
            ("array_size", u64::from(self.array_size)),
            ("trials_per_task", self.trials_per_task.map_or(1, u64::from)),
            ("max_running", self.max_running.map_or(1, u64::from)),
            ("max_queued", u64::from(self.max_queued)),
            ("poll_seconds", self.poll_seconds),
            ("client_seconds", self.client_seconds),
        ];
        for (key, number) in numbers {
            if number == 0 {
                return refuse(key, &number, "whole numbers from 1");
            }
        }
        let texts = [
            ("partition", &self.partition),
            ("account", &self.account),
            ("qos", &self.qos),
            ("memory", &self.memory),
        ];
        for (key, text) in texts {
            let bad = |text: &&String| text.is_empty() || text.contains(char::is_control);
            if let Some(text) = text.as_ref().filter(bad) {
                return refuse(key, text, "one line of text that is not empty");
            }
        }
        if let Some(time) = &self.time
            && seconds(time).is_none()
        {
            let forms = "minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes and \
                         days-hours:minutes:seconds, of more than 0 seconds";
            return refuse("time", time, forms);
        }
        let bad = |line: &&String| !line.starts_with('-') || line.contains(char::is_control);
        if let Some(line) = self.extra.iter().find(bad) {
            return refuse(
                "extra",
                line,
                "options of sbatch, as \"--constraint=avx512\"",
            );
        }
        Ok(())
    }

    /// How many seconds before its time limit a worker is told to end: a minute, and at most a tenth of the limit.
    pub(super) fn warning_seconds(&self) -> u64 {
        let limit = self.time.as_deref().and_then(seconds);
        limit.map_or(60, |limit| (limit / 10).clamp(1, 60))
    }
}

/// The seconds of a time limit in one of Slurm's forms, of more than none.
fn seconds(text: &str) -> Option<u64> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (Some(days), clock),
        None => (None, text),
    };
    let parts = clock.split(':').chain(days);
    let all_numbers =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !parts.clone().all(all_numbers) {
        return None;
    }
    let numbers: Vec<u64> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let units: &[u64] = match (days, numbers.len()) {
        (None, 1) => &[60],
        (None, 2) => &[60, 1],
        (None, 3) => &[3600, 60, 1],
        (Some(_), 2) => &[3600, 86_400],
        (Some(_), 3) => &[3600, 60, 86_400],
        (Some(_), 4) => &[3600, 60, 1, 86_400],
        _ => return None,
    };
    let mut total = 0_u64;
    for (number, unit) in numbers.iter().zip(units) {
        total = total.checked_add(number.checked_mul(*unit)?)?;
    }
    (total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn time_limits_have_slurms_forms() {
        let forms = [
            ("90", Some(5400)),
            ("1:30", Some(90)),
            ("2:00:00", Some(7200)),
            ("1-12", Some(129_600)),
            ("1-0:30", Some(88_200)),
            ("1-0:0:1", Some(86_401)),
            ("0", None),
            ("", None),
            ("2h", None),
            ("1:2:3:4", None),
            ("-1", None),
            ("1-", None),
            ("+5", None),
            ("99999999999999999999", None),
            ("999999999999999999", None),
        ];
        for (text, expected) in forms {
            if text == "999999999999999999" {
                assert_eq!(seconds(text), 999_999_999_999_999_999_u64.checked_mul(60));
            } else {
                assert_eq!(seconds(text), expected, "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_time_limit_makes_the_reader_panic(text in "[0-9:-]{0,30}|.*") {
            let _ = seconds(&text);
        }
    }

    #[test]
    fn wrong_options_are_refused_with_what_is_allowed() {
        let cases = [
            (
                "time = \"2h\"",
                "`slurm.time` is \"2h\"; allowed are minutes",
            ),
            (
                "cpus_per_task = 0",
                "`slurm.cpus_per_task` is 0; allowed are whole numbers from 1",
            ),
            ("partition = \"\"", "`slurm.partition` is \"\""),
            (
                "extra = [\"constraint=avx512\"]",
                "`slurm.extra` is \"constraint=avx512\"; allowed are options of sbatch",
            ),
            ("extra = [\"--a\\n#SBATCH\"]", "`slurm.extra` is"),
        ];
        for (text, expected) in cases {
            let config: SlurmConfig = toml::from_str(text).unwrap();
            let error = config.check().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(toml::from_str::<SlurmConfig>("partitoin = \"a\"").is_err());
        SlurmConfig::default().check().unwrap();
    }

    #[test]
    fn a_worker_is_told_early_enough_and_not_at_its_start() {
        for (time, expected) in [
            (None, 60),
            (Some("1"), 6),
            (Some("10"), 60),
            (Some("0:05"), 1),
            (Some("1-0"), 60),
        ] {
            let config = SlurmConfig {
                time: time.map(str::to_owned),
                ..SlurmConfig::default()
            };
            assert_eq!(config.warning_seconds(), expected, "{time:?}");
        }
    }
}
