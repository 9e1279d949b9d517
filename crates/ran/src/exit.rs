//! What the exit code says of an error.

use std::path::PathBuf;
use std::process::ExitCode;

use ran_experiment::{
    ExperimentError, ExportError, GenerateError, ModelError, PredictError, RunError, Setting,
};
use ran_learning::LearningError;
use ran_sweep::SweepError;
use ran_tasks::TaskError;

/// The exit code of a program that was ended by Ctrl-C, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit code for a command line that is wrong; clap's own is the same.
const WRONG_USAGE: u8 = 2;

/// What stands on the command line is wrong, and how.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// A run or a search was stopped, and left what it had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interrupted {
    /// A run, in its folder.
    #[error("the run was stopped; `cargo xtask experiment --resume {}` goes on with it", .0.display())]
    Run(PathBuf),
    /// A search in a folder that the command names.
    #[error("the search was stopped; the same command goes on with it")]
    Search,
    /// A search in a folder of its own.
    #[error(
        "the search was stopped; `cargo xtask sweep --resume {}` finishes its trials, and does not run the best configuration; a \
         search with --out is continued by the same command",
        .0.display()
    )]
    SearchOfItsOwn(PathBuf),
}

/// The exit code for an error of a command with these settings.
///
/// What is wrong in a file is a failure, a file with a configuration too. What is wrong on the command line is wrong usage:
/// an option, an unknown name, and a setting whose key or value is not allowed.
pub(crate) fn code(error: &anyhow::Error, settings: &[Setting]) -> ExitCode {
    let run = error.downcast_ref();
    let export = error.downcast_ref();
    if error.is::<Interrupted>()
        || matches!(
            error.downcast_ref(),
            Some(SweepError::Stopped(_) | SweepError::NotBegun)
        )
        || matches!(run, Some(RunError::Stopped))
        || matches!(export, Some(ExportError::Stopped))
    {
        ExitCode::from(INTERRUPTED)
    } else if is_usage(error, settings) {
        ExitCode::from(WRONG_USAGE)
    } else {
        ExitCode::FAILURE
    }
}

fn is_usage(error: &anyhow::Error, settings: &[Setting]) -> bool {
    let in_task = |error: &TaskError| match error {
        // Whoever names the task answers for all of its keys.
        TaskError::Key { key, .. } => is_set(settings, &[&format!("task.{key}"), "task.name"]),
        _ => false,
    };
    // Data that are wrong are a failure, wherever they were named.
    let in_model = |error: &LearningError| {
        !error.is_of_data() && error.key().is_some_and(|key| is_set(settings, &[key]))
    };
    if let Some(error) = error.downcast_ref::<ExperimentError>() {
        return error.is_usage();
    }
    if let Some(error) = error.downcast_ref::<TaskError>() {
        return in_task(error);
    }
    match error.downcast_ref::<RunError>() {
        Some(RunError::Task(error)) => return in_task(error),
        Some(RunError::Learning { source, .. }) => return in_model(source),
        _ => {}
    }
    let of_predict = match error.downcast_ref::<PredictError>() {
        Some(PredictError::Model(error)) => Some(error),
        _ => None,
    };
    let of_export = match error.downcast_ref::<ExportError>() {
        Some(ExportError::Task(error)) => return in_task(error),
        Some(ExportError::Learning { source, .. }) => return in_model(source),
        Some(ExportError::NoModel(_) | ExportError::NoAttention | ExportError::NoSequences(_)) => {
            return true;
        }
        Some(ExportError::Model(error)) => Some(error),
        _ => None,
    };
    if let Some(GenerateError::Option { .. } | GenerateError::Prompt(_)) = error.downcast_ref() {
        return true;
    }
    let of_model = error.downcast_ref::<ModelError>();
    match of_model.or(of_predict).or(of_export) {
        Some(ModelError::Task(error)) => in_task(error),
        Some(ModelError::Setting(_)) => true,
        Some(ModelError::Located(located)) => !located.in_file,
        _ => error.is::<Usage>(),
    }
}

fn is_set(settings: &[Setting], keys: &[&str]) -> bool {
    let mut settings = settings.iter();
    settings.any(|setting| keys.iter().any(|key| setting.concerns(key)))
}
