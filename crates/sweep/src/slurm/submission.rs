//! How an array is submitted: the options of `sbatch`, and the error where it refuses them.

use super::arrays::Shape;
use super::folder::Folder;
use super::{Job, SlurmError};

/// The options that an array is submitted with. They stand on the command line, where they go before the script's own lines
/// and before what the user has set in the environment.
pub(super) fn options(job: &Job, folder: &Folder, array: u32, shape: &Shape) -> Vec<String> {
    let options = &job.options;
    let throttle = shape
        .throttle
        .map_or(String::new(), |most| format!("%{most}"));
    let mut words = vec![
        "--parsable".to_owned(),
        format!("--job-name={}", folder.name(array)),
        format!("--array=0-{}{throttle}", shape.tasks - 1),
        format!("--output={}", folder.log_pattern(array)),
        "--open-mode=append".to_owned(),
        // One place decides what runs again: this program, by the results.
        "--no-requeue".to_owned(),
        "--export=ALL".to_owned(),
        "--nodes=1".to_owned(),
        "--ntasks=1".to_owned(),
        format!("--cpus-per-task={}", options.cpus_per_task),
        format!("--signal=B:TERM@{}", options.warning_seconds()),
    ];
    let chosen = [
        ("partition", &options.partition),
        ("account", &options.account),
        ("qos", &options.qos),
        ("time", &options.time),
        ("mem", &options.memory),
    ];
    for (name, value) in chosen {
        words.extend(value.iter().map(|value| format!("--{name}={value}")));
    }
    words
}

/// The error for jobs that Slurm refuses; where it is about the partition, with those that there are.
pub(super) fn refused(
    job: &Job,
    said: String,
    options: &[String],
    partitions: impl FnOnce() -> Vec<String>,
) -> SlurmError {
    if let Some(name) = &job.options.partition
        && said.to_lowercase().contains("invalid partition")
    {
        let known = partitions();
        if !known.is_empty() && !known.contains(name) {
            let name = name.clone();
            return SlurmError::Partition { name, known };
        }
    }
    let ours = [
        "--partition",
        "--account",
        "--qos",
        "--time",
        "--mem",
        "--cpus-per-task",
        "--array",
    ];
    let shown = options
        .iter()
        .filter(|option| ours.iter().any(|name| option.starts_with(name)));
    let shown = shown.chain(&job.options.extra).cloned().collect::<Vec<_>>();
    SlurmError::Refused {
        said,
        options: shown.join(" "),
    }
}
