//! The folder of a sweep's arrays: their scripts, their lists of trials, their logs, and which of them may still run.
//!
//! ```text
//! id                the sweep's id, part of its jobs' names
//! array-0001/       an array: job.sh, tasks (a line of trials for each task), and a log for each task: 0.log, 1.log, …
//! array-0001.open   there from before the array is submitted until none of its tasks is of interest any more
//! ```

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, iter};

use ran_files::write_file;

use super::{Job, SlurmError, trials_as_text, trials_from_text};

/// The folder, and how its jobs are called.
pub(super) struct Folder {
    /// Absolute, for it stands in scripts.
    path: PathBuf,
    /// What the names of all its jobs begin with.
    prefix: String,
    /// The number of the next array.
    next: u32,
}

impl Folder {
    /// Opens a folder, or makes it, and names the arrays that were open when it was last left, by ascending number.
    pub(super) fn open(job: &Job) -> Result<(Self, Vec<u32>), SlurmError> {
        let path = std::path::absolute(&job.folder).map_err(failed(&job.folder))?;
        let fits =
            |text: &str| !text.contains(|letter: char| letter.is_control() || letter == '\\');
        if !path.to_str().is_some_and(fits) {
            return Err(SlurmError::Path(path));
        }
        fs::create_dir_all(&path).map_err(failed(&path))?;
        let mut folder = Self {
            prefix: format!("{}-{}", plain(&job.name), id(&path)?),
            path,
            next: 1,
        };
        let mut open = Vec::new();
        for entry in fs::read_dir(&folder.path).map_err(failed(&folder.path))? {
            let name = entry.map_err(failed(&folder.path))?.file_name();
            let Some(rest) = name.to_str().and_then(|name| name.strip_prefix("array-")) else {
                continue;
            };
            let (number, is_mark) = match rest.strip_suffix(".open") {
                Some(number) => (number, true),
                None => (rest, false),
            };
            let Ok(number) = number.parse::<u32>() else {
                continue;
            };
            folder.next = folder.next.max(number.saturating_add(1));
            if is_mark {
                open.push(number);
            }
        }
        open.sort_unstable();
        Ok((folder, open))
    }

    /// The name of an array's job, which no other job has.
    pub(super) fn name(&self, array: u32) -> String {
        format!("{}-{array}", self.prefix)
    }

    /// The log of an array's task.
    pub(super) fn log(&self, array: u32, task: u32) -> PathBuf {
        self.array(array).join(format!("{task}.log"))
    }

    /// What `sbatch` calls the logs: `%a` stands for the task's index.
    pub(super) fn log_pattern(&self, array: u32) -> String {
        let folder = self.array(array);
        format!("{}/%a.log", folder.display().to_string().replace('%', "%%"))
    }

    /// The script of an array.
    pub(super) fn script(&self, array: u32) -> PathBuf {
        self.array(array).join("job.sh")
    }

    /// Writes an array's script and its tasks, and marks it open: from now on it may be submitted.
    pub(super) fn add(&mut self, job: &Job, tasks: &[Vec<u64>]) -> Result<u32, SlurmError> {
        let array = self.next;
        let folder = self.array(array);
        fs::create_dir(&folder).map_err(failed(&folder))?;
        let written = || {
            let lines = tasks.iter().map(|trials| trials_as_text(trials) + "\n");
            fs::write(folder.join("tasks"), lines.collect::<String>())?;
            fs::write(self.script(array), self.script_text(job, array)?)?;
            fs::File::create(self.mark(array)).map(drop)
        };
        written().map_err(|error| {
            // Nothing half-written is left of it, unless not even that can be done.
            let _ = fs::remove_dir_all(&folder);
            failed(&folder)(error)
        })?;
        self.next += 1;
        Ok(array)
    }

    /// The trials of each task of an array.
    pub(super) fn tasks(&self, array: u32) -> Result<Vec<Vec<u64>>, SlurmError> {
        let path = self.array(array).join("tasks");
        let text = fs::read_to_string(&path).map_err(failed(&path))?;
        let lines = text.lines().enumerate().map(|(line, text)| {
            trials_from_text(text).map_err(|problem| SlurmError::Tasks {
                path: path.clone(),
                line: line + 1,
                problem,
            })
        });
        lines.collect()
    }

    /// Notes that Slurm has taken an array.
    pub(super) fn accepted(&self, array: u32, id: &str) -> Result<(), SlurmError> {
        let mark = self.mark(array);
        fs::write(&mark, format!("{id}\n")).map_err(failed(&mark))
    }

    /// How long ago an array was submitted of which it is not known whether Slurm has taken it; none where it is known.
    pub(super) fn unknown_for(&self, array: u32) -> Option<Duration> {
        let known = fs::metadata(self.mark(array)).ok()?;
        let age = known.modified().ok()?.elapsed().unwrap_or_default();
        (known.len() == 0).then_some(age)
    }

    /// Nothing is expected of an array any more.
    pub(super) fn close(&self, array: u32) -> Result<(), SlurmError> {
        let mark = self.mark(array);
        match fs::remove_file(&mark) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&mark)(error)),
            _ => Ok(()),
        }
    }

    /// Removes an array that Slurm has refused.
    pub(super) fn discard(&self, array: u32) -> Result<(), SlurmError> {
        self.close(array)?;
        let folder = self.array(array);
        fs::remove_dir_all(&folder).map_err(failed(&folder))
    }

    fn array(&self, array: u32) -> PathBuf {
        self.path.join(format!("array-{array:04}"))
    }

    fn mark(&self, array: u32) -> PathBuf {
        self.path.join(format!("array-{array:04}.open"))
    }

    /// The script that each task of an array runs. It becomes the worker, so that the worker gets Slurm's signals.
    fn script_text(&self, job: &Job, array: u32) -> io::Result<Vec<u8>> {
        let program = match job.program.components().count() {
            // Looked for on the machine that runs the task, as a shell does.
            1 => job.program.clone(),
            _ => std::path::absolute(&job.program)?,
        };
        let mut text = b"#!/bin/sh\n".to_vec();
        for option in &job.options.extra {
            writeln!(text, "#SBATCH {option}")?;
        }
        text.extend(b"trials=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" ");
        text.extend(quoted(self.array(array).join("tasks").as_os_str()));
        text.extend(b")\necho \"trials $trials on ${SLURMD_NODENAME:-this node}\"\n");
        text.extend(b"[ -n \"$trials\" ] || exit 1\n");
        writeln!(
            text,
            "export RAYON_NUM_THREADS={}",
            job.options.cpus_per_task
        )?;
        text.extend(b"exec ");
        let words =
            iter::once(program.as_os_str()).chain(job.arguments.iter().map(OsString::as_os_str));
        for word in words {
            text.extend(quoted(word));
            text.push(b' ');
        }
        text.extend(b"\"$trials\"\n");
        Ok(text)
    }
}

/// A word as a shell reads it back.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut text = vec![b'\''];
    for byte in word.as_encoded_bytes() {
        match byte {
            b'\'' => text.extend(b"'\\''"),
            other => text.push(*other),
        }
    }
    text.push(b'\'');
    text
}

/// A name of letters that Slurm's programs neither split nor interpret.
fn plain(name: &str) -> String {
    let letters = name.chars().take(40);
    let plain = |letter: char| match letter.is_ascii_alphanumeric() || "._-".contains(letter) {
        true => letter,
        false => '-',
    };
    letters.map(plain).collect()
}

/// The folder's id, which is made once.
fn id(folder: &Path) -> Result<String, SlurmError> {
    let path = folder.join("id");
    match fs::read_to_string(&path) {
        Ok(text) => {
            let id = text.trim();
            let right = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            right.then(|| id.to_owned()).ok_or(SlurmError::Id(path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // The standard library's hashers begin with random keys, which is all the randomness that a name needs.
            let id = format!("{:016x}", RandomState::new().hash_one(&path));
            write_file(&path, format!("{id}\n").as_bytes())
                .map_err(|error| failed(&path)(error.source))?;
            Ok(id)
        }
        Err(error) => Err(failed(&path)(error)),
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> SlurmError {
    let path = path.to_owned();
    move |source| SlurmError::Folder {
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slurm::SlurmConfig;

    fn job(folder: &Path) -> Job {
        Job {
            name: "a sweep/of mine".to_owned(),
            folder: folder.to_owned(),
            program: "/bin/echo".into(),
            arguments: vec!["it's".into(), "--trials".into()],
            options: SlurmConfig::default(),
        }
    }

    #[test]
    fn an_open_array_is_found_again_under_the_same_name() {
        let place = tempfile::tempdir().unwrap();
        let job = job(&place.path().join("slurm"));
        let (mut folder, open) = Folder::open(&job).unwrap();
        assert!(open.is_empty());
        let tasks = [vec![0, 1, 2], vec![7]];
        let first = folder.add(&job, &tasks).unwrap();
        let second = folder.add(&job, &tasks).unwrap();
        let third = folder.add(&job, &tasks).unwrap();
        folder.accepted(second, "12").unwrap();
        folder.close(first).unwrap();
        let (mut again, open) = Folder::open(&job).unwrap();
        assert_eq!(open, [second, third]);
        assert_eq!(again.name(second), folder.name(second));
        assert!(again.name(second).starts_with("a-sweep-of-mine-"));
        assert_eq!(again.tasks(second).unwrap(), tasks);
        assert!(again.unknown_for(second).is_none() && again.unknown_for(third).is_some());
        let fourth = again.add(&job, &tasks).unwrap();
        assert_eq!(fourth, third + 1);
        again.discard(fourth).unwrap();
        assert_eq!(Folder::open(&job).unwrap().1, [second, third]);
    }

    #[test]
    fn the_script_runs_the_program_with_the_trials_of_its_task() {
        let place = tempfile::tempdir().unwrap();
        let job = job(&place.path().join("it's 100 %"));
        let (mut folder, _) = Folder::open(&job).unwrap();
        let array = folder.add(&job, &[vec![0, 1, 2], vec![7]]).unwrap();
        for (task, expected) in [("0", "it's --trials 0..3"), ("1", "it's --trials 7")] {
            let mut command = std::process::Command::new("sh");
            command
                .arg(folder.script(array))
                .env("SLURM_ARRAY_TASK_ID", task);
            let output = command.output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert_eq!(text.lines().nth(1), Some(expected), "{text}");
        }
        let pattern = folder.log_pattern(array);
        assert!(
            pattern.ends_with("it's 100 %%/array-0001/%a.log"),
            "{pattern}"
        );
    }

    #[test]
    fn a_folder_that_was_damaged_is_refused_with_a_sentence() {
        let place = tempfile::tempdir().unwrap();
        let job = job(place.path());
        fs::write(place.path().join("id"), "mine").unwrap();
        let error = Folder::open(&job).err().unwrap().to_string();
        assert!(error.contains("id is no id of a sweep"), "{error}");
        fs::remove_file(place.path().join("id")).unwrap();
        let (mut folder, _) = Folder::open(&job).unwrap();
        let array = folder.add(&job, &[vec![0]]).unwrap();
        fs::write(place.path().join("array-0001/tasks"), "0\nx\n").unwrap();
        let error = folder.tasks(array).unwrap_err().to_string();
        assert!(
            error.contains("tasks, line 2: \"x\" names no trials"),
            "{error}"
        );
        let mut job = job;
        job.folder = place.path().join("a\\b");
        let error = Folder::open(&job).err().unwrap().to_string();
        assert!(error.contains("without backslashes"), "{error}");
    }
}
