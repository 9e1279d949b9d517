//! Where the trials of a sweep run.

use std::env;
use std::fs;
use std::path::{Path, absolute};
use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;

use ran_sweep::slurm::{self, Job, Notice, SlurmConfig};
use ran_sweep::{Executor, Facts, Stage, StageError, SweepError, Workers};

use crate::say::say;

/// On this machine.
#[derive(Default)]
pub(super) struct Local {
    /// How many at once; none as many as cores and memory allow.
    count: Option<usize>,
    /// The processes, and how many there are.
    workers: Option<(usize, Workers)>,
}

impl Local {
    pub(super) fn new(count: Option<usize>) -> Self {
        let workers = None;
        Self { count, workers }
    }
}

impl Executor for Local {
    fn run(
        &mut self,
        stage: &Stage,
        trials: &[u64],
        facts: Option<Facts>,
        stop: &AtomicBool,
        done: &mut dyn FnMut(u64) -> Result<(), StageError>,
    ) -> Result<(), SweepError> {
        let cores = available_parallelism().map_or(1, usize::from);
        let needed = facts.map_or(0, |facts| facts.bytes);
        let count = self
            .count
            .unwrap_or_else(|| fitting(cores, free_memory(), needed));
        // Few trials have several cores each.
        let count = count.min(trials.len()).max(1);
        if self
            .workers
            .as_ref()
            .is_none_or(|(there, _)| *there != count)
        {
            let program =
                env::current_exe().map_err(|error| SweepError::workers(stage.folder(), error))?;
            let arguments = ["sweep", "worker"].map(Into::into).into();
            let workers = Workers::new(program, arguments, count, (cores / count).max(1));
            self.workers = Some((count, workers));
        }
        let (_, workers) = self.workers.as_mut().expect("they were made above");
        let ran = workers.run(stage, trials, stop, done);
        ran.map_err(|error| SweepError::workers(stage.folder(), error))
    }
}

/// Where in a stage's folder its jobs are.
const JOBS: &str = "slurm";

/// On a Slurm cluster.
pub(super) struct Cluster {
    /// The sweep's name.
    name: String,
    options: SlurmConfig,
    quiet: bool,
}

impl Cluster {
    pub(super) fn new(name: &str, options: Option<&SlurmConfig>, quiet: bool) -> Self {
        Self {
            name: name.into(),
            options: options.cloned().unwrap_or_default(),
            quiet,
        }
    }

    /// Whether a cluster took jobs of a stage, by its folder.
    pub(super) fn has_run(stage: &Path) -> bool {
        let entries = fs::read_dir(stage.join(JOBS)).into_iter().flatten();
        let mut names = entries.flatten().map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().starts_with("array-"))
    }
}

impl Executor for Cluster {
    fn run(
        &mut self,
        stage: &Stage,
        trials: &[u64],
        _: Option<Facts>,
        stop: &AtomicBool,
        done: &mut dyn FnMut(u64) -> Result<(), StageError>,
    ) -> Result<(), SweepError> {
        // Machines of the cluster may begin in another folder.
        let folder =
            absolute(stage.folder()).map_err(|error| SweepError::workers(stage.folder(), error))?;
        let job = Job {
            name: self.name.clone(),
            folder: folder.join(JOBS),
            program: env::current_exe()
                .map_err(|error| SweepError::workers(stage.folder(), error))?,
            arguments: vec!["sweep".into(), "worker".into(), folder.into()],
            options: self.options.clone(),
        };
        let mut wrong = None;
        let mut is_done = |trial| {
            let is_done = stage.is_done(trial);
            if is_done && let Err(error) = done(trial) {
                wrong.get_or_insert(error);
            }
            is_done
        };
        let quiet = self.quiet;
        let mut observe = |notice: Notice| match notice {
            // The sweep's own progress says as much.
            Notice::Progress { .. } => {}
            Notice::Submitted { .. } | Notice::Found { .. } if quiet => {}
            notice => say(&format!("slurm: {notice}")),
        };
        let outcome = slurm::run(&job, trials, &mut is_done, stop, &mut observe);
        let outcome = outcome.map_err(|error| SweepError::workers(stage.folder(), error))?;
        if let Some(error) = wrong {
            return Err(error.into());
        }
        for failure in outcome.failed {
            if stage.is_done(failure.trial) {
                continue;
            }
            stage.give_up(failure.trial, failure.problem)?;
            done(failure.trial)?;
        }
        Ok(())
    }
}

/// How many processes fit into free memory, each of which needs some bytes.
fn fitting(cores: usize, free: Option<u64>, needed: u64) -> usize {
    let room = free.and_then(|free| free.checked_div(needed));
    let room = room.map_or(cores, |room| usize::try_from(room).unwrap_or(cores));
    room.clamp(1, cores)
}

/// Memory that programs can have without others losing theirs, in bytes, where the system says so: no more than the machine
/// has free, nor than this program's group is allowed beyond what it has.
fn free_memory() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let allowed = room_of_groups(&groups, Path::new("/sys/fs/cgroup"));
    machine_memory().into_iter().chain(allowed).min()
}

/// What is left of the memory that a control group and those around it may have (Linux, cgroup v2), where one has a limit.
fn room_of_groups(groups: &str, root: &Path) -> Option<u64> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let number = |folder: &Path, file: &str| -> Option<u64> {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        text.trim().parse().ok()
    };
    // In a container the group's own folder may be the root itself, whatever the group is called outside.
    let own = root.join(own);
    let folders = own
        .ancestors()
        .take_while(|folder| folder.starts_with(root));
    let rooms = folders.filter_map(|folder| {
        let most = number(folder, "memory.max")?;
        // Files that were read and can be forgotten count as in use.
        let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let cached = stat
            .lines()
            .find_map(|line| line.strip_prefix("inactive_file "))
            .and_then(|bytes| bytes.trim().parse().ok());
        let used = number(folder, "memory.current")?.saturating_sub(cached.unwrap_or(0));
        Some(most.saturating_sub(used))
    });
    rooms.min()
}

/// Memory of the machine that is free or can be freed, in bytes.
fn machine_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kilobytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_the_least_room_of_those_around_it() {
        let root = tempfile::TempDir::new().unwrap();
        let inner = root.path().join("job/step");
        fs::create_dir_all(&inner).unwrap();
        let room = |groups: &str| room_of_groups(groups, root.path());
        let limit = |folder: &Path, most: &str, current: &str| {
            fs::write(folder.join("memory.max"), most).unwrap();
            fs::write(folder.join("memory.current"), current).unwrap();
        };
        assert_eq!(room("0::/job/step\n"), None);
        limit(&inner, "max\n", "5\n");
        assert_eq!(room("0::/job/step\n"), None);
        limit(&root.path().join("job"), "1000\n", "300\n");
        assert_eq!(room("4:cpu:/x\n0::/job/step\n"), Some(700));
        let stat = "anon 100\ninactive_file 200\n";
        fs::write(root.path().join("job/memory.stat"), stat).unwrap();
        assert_eq!(room("0::/job/step\n"), Some(900));
        limit(root.path(), "400\n", "500\n");
        assert_eq!(room("0::/elsewhere\n"), Some(0));
        assert_eq!(room("4:memory:/job\n"), None);
    }

    #[test]
    fn as_many_processes_run_as_have_room() {
        let gib = 1 << 30;
        assert_eq!(fitting(8, Some(16 * gib), gib), 8);
        assert_eq!(fitting(8, Some(3 * gib), gib), 3);
        assert_eq!(fitting(8, Some(gib), 3 * gib), 1);
        assert_eq!(fitting(8, None, gib), 8);
        assert_eq!(fitting(8, Some(gib), 0), 8);
    }
}
