//! A folder of trials: which points are to be tried, and what came of those that were.
//!
//! ```text
//! stage.json             what all its trials have in common
//! batches/000000.jsonl   points, a line each, at most a thousand; the file's name is the number of its first trial
//! trials/000/000123.json what trial 123 came to; a thousand files a folder
//! ```
//!
//! Each file is written beside its place and renamed. A trial's file is the only proof that it is done, whoever ran it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ran_files::{FolderError, Lasting, create_folder, is_temporary, write_file, write_whole};
use ran_seed::Seeds;
use serde::{Deserialize, Serialize};
use toml::Value;

use crate::assign::{assignments, command, values};
use crate::base::base_of_stage;
use crate::{Judged, Point, Trial};

/// What all trials of a folder have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageConfig {
    /// What they begin with: a preset's name, or the path of a file.
    pub base: String,
    /// Keys that are the same in all of them, or the same as a key of the point.
    pub set: BTreeMap<String, Value>,
    /// Their seeds.
    pub seeds: Seeds,
    /// The split that counts.
    pub judge: Judged,
}

/// A folder of trials.
#[derive(Clone, Debug)]
pub struct Stage {
    folder: PathBuf,
    config: StageConfig,
    points: Vec<Point>,
    /// The number of the first of the points: 0, or in a worker, which reads one file of points at a time, that file's.
    first: u64,
}

/// A folder of trials cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The operating system refuses.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what the program wrote.
    #[error("{path} is damaged: {problem}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// A line of a batch.
#[derive(Serialize, Deserialize)]
struct Line {
    trial: u64,
    point: Point,
}

/// Trials in one folder.
const SHARD: u64 = 1_000;

impl Stage {
    /// Begins a folder, in which there is none.
    pub(crate) fn create(folder: &Path, config: &StageConfig) -> Result<Self, StageError> {
        for part in ["batches", "trials"] {
            create_folder(&folder.join(part))?;
        }
        let text = serde_json::to_vec_pretty(config).expect("it is plain values");
        write_file(&folder.join("stage.json"), &text)?;
        Ok(Self {
            folder: folder.into(),
            config: config.clone(),
            points: Vec::new(),
            first: 0,
        })
    }

    /// Opens a folder and reads all its points.
    ///
    /// # Errors
    ///
    /// When it is none, or a file in it is damaged.
    pub(crate) fn open(folder: &Path) -> Result<Self, StageError> {
        let mut stage = Self::open_for_worker(folder)?;
        loop {
            let first = stage.points.len() as u64;
            match stage.read_batch(first)? {
                Some(points) => stage.points.extend(points),
                None => return Ok(stage),
            }
        }
    }

    /// Opens a folder to run some of its trials ([`Stage::point`]).
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn open_for_worker(folder: &Path) -> Result<Self, StageError> {
        let path = folder.join("stage.json");
        let config = serde_json::from_slice(&read(&path)?);
        let mut config: StageConfig = config.map_err(|error| damaged(&path, error))?;
        config.base = base_of_stage(&config.base, folder);
        Ok(Self {
            folder: folder.into(),
            config,
            points: Vec::new(),
            first: 0,
        })
    }

    /// Whether a folder has been begun.
    pub(crate) fn is_at(folder: &Path) -> bool {
        folder.join("stage.json").exists()
    }

    /// Reads the points of the file that begins with a trial; none where there is no such file.
    fn read_batch(&self, first: u64) -> Result<Option<Vec<Point>>, StageError> {
        let path = self.batch(first);
        if !path.exists() {
            return Ok(None);
        }
        let text = read(&path)?;
        let lines = text
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty());
        let mut points = Vec::new();
        for line in lines {
            let line: Line = serde_json::from_slice(line).map_err(|error| damaged(&path, error))?;
            if line.trial != first + points.len() as u64 {
                return Err(damaged(
                    &path,
                    format!("trial {} is out of order", line.trial),
                ));
            }
            points.push(line.point);
        }
        match points.is_empty() {
            true => Err(damaged(&path, "it is empty")),
            false => Ok(Some(points)),
        }
    }

    /// Plans more trials: all of them or, where this is cut short, none.
    pub(crate) fn add(&mut self, points: Vec<Point>) -> Result<(), StageError> {
        let begin = self.points.len() as u64;
        // Whoever reads goes from file to file, and so finds none before the first, which comes last.
        for (number, points) in points.chunks(SHARD as usize).enumerate().rev() {
            let first = begin + number as u64 * SHARD;
            write_whole(&self.batch(first), Lasting::Power, |file| {
                let mut file = io::BufWriter::new(file);
                for (trial, point) in (first..).zip(points) {
                    let point = point.clone();
                    serde_json::to_writer(&mut file, &Line { trial, point })?;
                    file.write_all(b"\n")?;
                }
                file.flush()
            })?;
        }
        self.points.extend(points);
        Ok(())
    }

    fn batch(&self, first: u64) -> PathBuf {
        self.folder
            .join("batches")
            .join(format!("{first:06}.jsonl"))
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What its trials have in common.
    #[must_use]
    pub fn config(&self) -> &StageConfig {
        &self.config
    }

    /// The points of all trials that are planned, by number.
    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    /// The point of a trial; it may have been planned after the folder was opened.
    ///
    /// # Errors
    ///
    /// When a file is damaged.
    pub fn point(&mut self, trial: u64) -> Result<Option<&Point>, StageError> {
        if self.held(trial).is_none() {
            let Some(first) = self.batch_before(trial)? else {
                return Ok(None);
            };
            self.points = self.read_batch(first)?.unwrap_or_default();
            self.first = first;
        }
        Ok(self.held(trial))
    }

    /// The point of a trial, if it is among those that were read last.
    fn held(&self, trial: u64) -> Option<&Point> {
        self.points.get(trial.checked_sub(self.first)? as usize)
    }

    /// The first trial of the last file of points that begins with a trial or before it.
    fn batch_before(&self, trial: u64) -> Result<Option<u64>, StageError> {
        let path = self.folder.join("batches");
        let files = fs::read_dir(&path).map_err(|source| StageError::Read { path, source })?;
        let firsts = files.flatten().filter_map(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            name.strip_suffix(".jsonl")?.parse::<u64>().ok()
        });
        Ok(firsts.filter(|first| *first <= trial).max())
    }

    /// The assignments of a point, as `--set` takes them.
    #[must_use]
    pub fn assignments(&self, point: &Point) -> Vec<String> {
        assignments(&self.config.set, point)
    }

    /// A trial of a point before anything is known of it.
    #[must_use]
    pub fn trial(&self, trial: u64, point: &Point) -> Trial {
        let values = point.iter().map(|(key, value)| {
            let value = serde_json::to_value(value).unwrap_or_default();
            (key.clone(), value)
        });
        Trial {
            trial,
            point: values.collect(),
            parameters: None,
            seeds: Vec::new(),
            score: None,
            problem: None,
            seconds: 0.0,
            command: command(&self.config.base, &self.assignments(point)),
        }
    }

    /// Where a trial's result goes.
    #[must_use]
    pub fn place(&self, trial: u64) -> PathBuf {
        let shard = format!("{:03}", trial / SHARD);
        self.folder
            .join("trials")
            .join(shard)
            .join(format!("{trial:06}.json"))
    }

    /// Whether a trial is done.
    #[must_use]
    pub fn is_done(&self, trial: u64) -> bool {
        self.place(trial).exists()
    }

    /// What a trial came to; none where it is not done.
    ///
    /// # Errors
    ///
    /// When its file is damaged.
    pub fn result(&self, trial: u64) -> Result<Option<Trial>, StageError> {
        let path = self.place(trial);
        let bytes = match read(&path) {
            Err(StageError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            bytes => bytes?,
        };
        let result: Trial =
            serde_json::from_slice(&bytes).map_err(|error| damaged(&path, error))?;
        match result.trial == trial {
            true => {
                let assignments = self.assignments(&values(&result.point));
                let command = command(&self.config.base, &assignments);
                Ok(Some(Trial { command, ..result }))
            }
            false => Err(damaged(&path, format!("it is of trial {}", result.trial))),
        }
    }

    /// Writes down what a trial came to.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn keep(&self, result: &Trial) -> Result<(), StageError> {
        let path = self.place(result.trial);
        let folder = path.parent().unwrap_or(&self.folder);
        create_folder(folder)?;
        let text = serde_json::to_vec(result).expect("it is plain values");
        Ok(write_whole(&path, Lasting::Program, |file| {
            file.write_all(&text)
        })?)
    }

    /// Writes down that a trial was given up, and why.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn give_up(&self, trial: u64, problem: String) -> Result<(), StageError> {
        let point = self.held(trial).cloned().unwrap_or_default();
        self.keep(&Trial {
            problem: Some(problem),
            ..self.trial(trial, &point)
        })
    }

    /// Removes what killed workers left half-written.
    pub(crate) fn tidy(&self) {
        let Ok(shards) = fs::read_dir(self.folder.join("trials")) else {
            return;
        };
        for shard in shards.flatten() {
            let Ok(files) = fs::read_dir(shard.path()) else {
                continue;
            };
            for file in files.flatten() {
                let name = file.file_name().to_string_lossy().into_owned();
                let of = name.get(1..).and_then(|name| name.split_once(".json."));
                if of.is_some_and(|(number, _)| is_temporary(&name, &format!("{number}.json"))) {
                    // What cannot be removed does no harm.
                    let _ = fs::remove_file(file.path());
                }
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, StageError> {
    fs::read(path).map_err(|source| StageError::Read {
        path: path.into(),
        source,
    })
}

fn damaged(path: &Path, problem: impl ToString) -> StageError {
    StageError::Damaged {
        path: path.into(),
        problem: problem.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> StageConfig {
        StageConfig {
            base: "x".into(),
            set: BTreeMap::new(),
            seeds: Seeds::default(),
            judge: Judged::Valid,
        }
    }

    fn point(number: i64) -> Point {
        Point::from([("a".to_string(), Value::Integer(number))])
    }

    #[test]
    fn a_worker_sees_points_that_were_planned_after_it_began() {
        let place = tempfile::tempdir().unwrap();
        let mut planner = Stage::create(place.path(), &config()).unwrap();
        planner.add(vec![point(0), point(1)]).unwrap();
        let mut worker = Stage::open_for_worker(place.path()).unwrap();
        assert_eq!(worker.point(1).unwrap(), Some(&point(1)));
        planner.add((2..2500).map(point).collect()).unwrap();
        for trial in [2, 2499, 0, 1001, 1002] {
            assert_eq!(worker.point(trial).unwrap(), Some(&point(trial as i64)));
        }
        assert_eq!(worker.point(2500).unwrap(), None);
        assert_eq!(
            Stage::open(place.path()).unwrap().points(),
            planner.points()
        );
    }

    #[test]
    fn a_result_is_there_or_not_and_a_damaged_one_is_named() {
        let place = tempfile::tempdir().unwrap();
        let mut stage = Stage::create(place.path(), &config()).unwrap();
        stage.add((0..3).map(point).collect()).unwrap();
        assert!(stage.result(1).unwrap().is_none());
        let trial = stage.trial(1, &point(1));
        stage.keep(&trial).unwrap();
        assert_eq!(stage.result(1).unwrap(), Some(trial));
        let path = stage.place(2);
        fs::copy(stage.place(1), &path).unwrap();
        let message = stage.result(2).unwrap_err().to_string();
        assert!(
            message.contains("000002.json") && message.contains("of trial 1"),
            "{message}"
        );
        fs::write(&path, "{").unwrap();
        assert!(
            stage
                .result(2)
                .unwrap_err()
                .to_string()
                .contains("000002.json is damaged")
        );
    }

    #[test]
    fn points_whose_first_file_is_missing_are_not_planned() {
        let place = tempfile::tempdir().unwrap();
        let mut stage = Stage::create(place.path(), &config()).unwrap();
        stage.add(vec![point(0)]).unwrap();
        // A folder in the place of the file that is written last: the others are there, as after a kill.
        fs::create_dir(stage.batch(1)).unwrap();
        assert!(stage.add((1..2_500).map(point).collect()).is_err());
        assert!(stage.batch(2_001).exists());
        fs::remove_dir(stage.batch(1)).unwrap();
        let mut again = Stage::open(place.path()).unwrap();
        assert_eq!(again.points().len(), 1);
        again.add((1..2_500).map(point).collect()).unwrap();
        assert_eq!(Stage::open(place.path()).unwrap().points().len(), 2_500);
    }

    #[test]
    fn half_written_results_are_tidied_away_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let mut stage = Stage::create(place.path(), &config()).unwrap();
        stage.add(vec![point(0)]).unwrap();
        stage.keep(&stage.trial(0, &point(0))).unwrap();
        let half = stage.place(0).with_file_name(".000001.json.aB3dEf");
        let other = stage.place(0).with_file_name("notes.txt");
        fs::write(&half, "{").unwrap();
        fs::write(&other, "mine").unwrap();
        stage.tidy();
        assert!(!half.exists() && other.exists() && stage.is_done(0));
    }
}
