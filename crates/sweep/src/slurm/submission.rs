//! How an array is submitted: the options of `sbatch`, its answers, and what the cluster allows.

use super::client::{ClientError, Clients, OnStop};
use super::folder::Folder;
use super::{Job, SlurmError};

/// The options that an array is submitted with. They stand on the command line, where they go before the script's own lines
/// and before what the user has set in the environment.
pub(super) fn options(
    job: &Job,
    folder: &Folder,
    array: u32,
    size: u32,
    throttle: Option<u32>,
) -> Vec<String> {
    let options = &job.options;
    let mut words = vec![
        "--parsable".to_owned(),
        format!("--job-name={}", folder.name(array)),
        format!(
            "--array=0-{}{}",
            size - 1,
            throttle.map_or(String::new(), |most| format!("%{most}"))
        ),
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

/// The job's id in the answer of `sbatch --parsable`: `ID` or `ID;CLUSTER`, the last line where a site prints more.
pub(super) fn job_id(answer: &str) -> String {
    let line = answer.lines().map(str::trim).rfind(|line| !line.is_empty());
    let id = line
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    id.chars()
        .filter(|letter| !letter.is_control())
        .take(40)
        .collect()
}

/// MaxArraySize in the answer of `scontrol show config`.
pub(super) fn max_array_size(settings: &str) -> Option<u32> {
    let mut fields = settings.lines().filter_map(|line| line.split_once('='));
    let (_, size) = fields.find(|(key, _)| key.trim() == "MaxArraySize")?;
    size.trim().parse().ok()
}

/// The error for jobs that Slurm refuses; where it is about the partition, with those that there are.
pub(super) fn refused(
    clients: &Clients,
    job: &Job,
    said: String,
    options: &[String],
) -> SlurmError {
    if let Some(name) = &job.options.partition
        && said.to_lowercase().contains("invalid partition")
    {
        let partitions = clients.call("sinfo", &["--noheader", "--format=%R"], OnStop::GiveUp);
        let mut known = match &partitions {
            Ok(text) => text.lines().map(|line| line.trim().to_owned()).collect(),
            Err(
                ClientError::Missing(_)
                | ClientError::Away(_)
                | ClientError::Refused(_)
                | ClientError::Stopped,
            ) => Vec::new(),
        };
        known.sort();
        known.dedup();
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers_of_slurm_are_read() {
        assert_eq!(job_id("12\n"), "12");
        assert_eq!(job_id("welcome\n12;cluster\n\n"), "12");
        assert_eq!(job_id(""), "");
        let settings = "Configuration data\nMaxArrayTasks = 5\nMaxArraySize            = 10001\n";
        assert_eq!(max_array_size(settings), Some(10_001));
        assert_eq!(max_array_size("MaxArraySize = many"), None);
    }

    proptest! {
        #[test]
        fn no_answer_makes_the_readers_panic(text in "(MaxArraySize *= *)?(?s).*") {
            let _ = (job_id(&text), max_array_size(&text));
        }
    }
}
