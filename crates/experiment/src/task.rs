//! A task without a model: by its name, or that of an experiment.

use ran_tasks::TaskConfig;
use serde::Deserialize;
use toml::{Table, Value};

use crate::locate::{Located, read};
use crate::{Experiment, ExperimentError, Setting};

/// The part of a configuration that says what is learnt.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskOnly {
    pub(crate) task: TaskConfig,
}

/// Opens a task: one of [`TaskConfig::NAMES`] with its default keys, or that of an experiment (see [`Experiment::open`]),
/// and makes settings in it.
///
/// # Errors
///
/// When there is neither a task nor an experiment of that name, or a key is wrong: a sentence that says what there is.
///
/// ```
/// let settings = ["task.order=pixels".parse()?];
/// let task = ran_experiment::open_task("sequential-digits", &settings)?;
/// assert_eq!(task.load(0)?.d_input, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open_task(which: &str, settings: &[Setting]) -> Result<TaskConfig, ExperimentError> {
    if TaskConfig::NAMES.contains(&which) {
        let task = Table::from_iter([("name".to_string(), Value::from(which))]);
        let table = Table::from_iter([("task".to_string(), Value::Table(task))]);
        let config = read(&table, &format!("the task {which}"), "", settings);
        let config: TaskOnly = config.map_err(|error| match error {
            // There is no file that could be at fault.
            ExperimentError::Located(error) => ExperimentError::Located(Located {
                in_file: false,
                ..error
            }),
            other => other,
        })?;
        return Ok(config.task);
    }
    match Experiment::open(Some(which), settings) {
        Ok(experiment) => Ok(experiment.config.task),
        Err(ExperimentError::Unknown { name }) => Err(ExperimentError::UnknownTask { name }),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(which: &str, settings: &[&str]) -> String {
        let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
        open_task(which, &settings).unwrap_err().to_string()
    }

    #[test]
    fn a_task_is_opened_by_its_name_or_that_of_an_experiment() {
        for which in ["lorenz", "japanese-vowels-two-kinds"] {
            assert!(open_task(which, &[]).is_ok(), "{which}");
        }
        let settings = ["task.tau=30".parse().unwrap()];
        let task = open_task("mackey-glass", &settings).unwrap();
        assert!(matches!(task, TaskConfig::MackeyGlass(config) if config.tau == 30));
    }

    #[test]
    fn an_unknown_task_is_answered_with_all_that_there_are() {
        let message = message("lorentz", &[]);
        assert!(
            message.contains("\"lorentz\"") && !message.contains('\n'),
            "{message}"
        );
        for name in TaskConfig::NAMES
            .iter()
            .copied()
            .chain(["japanese-vowels-two-kinds"])
        {
            assert!(message.contains(name), "{name} is missing from: {message}");
        }
    }

    #[test]
    fn a_wrong_key_is_answered_with_the_right_ones() {
        for (settings, words) in [
            (
                &["task.horizn=3"][..],
                &["--set task.horizn=3", "`horizon`"][..],
            ),
            (
                &["task.horizon=far"],
                &["--set task.horizon=far", "\"far\""],
            ),
            (
                &["reservoir.leak=1"],
                &["--set reservoir.leak=1", "`reservoir`", "`task`"],
            ),
        ] {
            let message = message("lorenz", settings);
            for word in words {
                assert!(
                    message.contains(word),
                    "{word:?} is missing from: {message}"
                );
            }
        }
        let message = message("files", &["task.train=1"]);
        assert!(message.contains("--set task.train=1"), "{message}");
        let message = super::tests::message("fashion-mnist", &[]);
        assert!(message.contains("`from`"), "{message}");
    }
}
