//! The folder of a run, in which every file is whole at any time.

mod files;

pub(crate) use files::RunFile;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::whole_file::{FolderError, Lasting, temporary, write_whole};
use files::PICTURES;

/// Where a run leaves its files: `config.toml`, `run.json`, `records.jsonl` and `model.safetensors`, and where it trains by
/// gradient `history.jsonl` and, until it is done, `checkpoint.safetensors`; and pictures of what the model makes of the
/// test set, each as `.svg` and `.png`: `confusion` of classes, `labels` of several labels, `forecast` of numbers,
/// `free-run` in closed loop, `capacity` by delay, and `learning`, loss and score per epoch.
///
/// Each file is written under another name in the same folder and then renamed, so that a run that is killed leaves
/// files that are whole or absent. A run that fails before its first record or checkpoint takes back what it has written.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    created: Vec<PathBuf>,
    written: Vec<PathBuf>,
    records: String,
    history: String,
    keep: bool,
}

impl RunFolder {
    /// Opens `folder`, which is created if need be; files of an earlier run there are removed.
    ///
    /// # Errors
    ///
    /// When the folder cannot be created or written.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        let mut run = Self::empty(folder);
        run.create(folder)?;
        for file in RunFile::ALL {
            run.remove(file.name())?;
        }
        for name in PICTURES {
            for ending in ["svg", "png"] {
                run.remove(&format!("{name}.{ending}"))?;
            }
        }
        run.probe()?;
        Ok(run)
    }

    /// Creates a folder `id` in `parent`, or `id-2`, `id-3`, … where others have that name.
    ///
    /// # Errors
    ///
    /// When the folder cannot be created or written.
    pub fn create_in(parent: &Path, id: &str) -> Result<Self, FolderError> {
        let mut run = Self::empty(parent);
        run.create(parent)?;
        let mut path = parent.join(id);
        let mut count = 1;
        loop {
            match fs::create_dir(&path) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    count += 1;
                    path = parent.join(format!("{id}-{count}"));
                }
                Err(source) => return Err(FolderError { path, source }),
            }
        }
        run.created.push(path.clone());
        run.path = path;
        run.probe()?;
        Ok(run)
    }

    /// Opens the folder of a run to go on in it, and keeps everything there.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn go_on(folder: &Path) -> Result<Self, FolderError> {
        let mut run = Self::empty(folder);
        run.keep = true;
        run.probe()?;
        Ok(run)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `config.toml`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write_config(&mut self, text: &str) -> Result<(), FolderError> {
        self.write(RunFile::Config.name(), text.as_bytes(), Lasting::Power)
    }

    /// Writes `run.json`: how the run was started.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write_run(&mut self, text: &str) -> Result<(), FolderError> {
        self.write(RunFile::Run.name(), text.as_bytes(), Lasting::Power)
    }

    /// Adds a record to `records.jsonl`: a line of JSON, without its end.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn add_record(&mut self, line: &str) -> Result<(), FolderError> {
        let records = format!("{}{line}\n", self.records);
        self.write(RunFile::Records.name(), records.as_bytes(), Lasting::Power)?;
        self.records = records;
        self.keep = true;
        Ok(())
    }

    /// Adds an epoch to `history.jsonl`: a line of JSON, without its end.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn add_epoch(&mut self, line: &str) -> Result<(), FolderError> {
        let history = format!("{}{line}\n", self.history);
        self.write(
            RunFile::History.name(),
            history.as_bytes(),
            Lasting::Program,
        )?;
        self.history = history;
        Ok(())
    }

    /// The lines of `history.jsonl`.
    pub(crate) fn history(&self) -> &str {
        &self.history
    }

    /// Writes `checkpoint.safetensors`, instead of the one before.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write_checkpoint(&mut self, bytes: &[u8]) -> Result<(), FolderError> {
        self.write(RunFile::Checkpoint.name(), bytes, Lasting::Program)?;
        self.keep = true;
        Ok(())
    }

    /// Removes `checkpoint.safetensors`, when what it was for is done.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub fn remove_checkpoint(&mut self) -> Result<(), FolderError> {
        self.remove(RunFile::Checkpoint.name())
    }

    /// Goes on with these records and this history, whatever the files have.
    pub(crate) fn take_over(&mut self, records: &str, history: &str) {
        self.records = records.into();
        self.history = history.into();
    }

    /// Writes `model.safetensors`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write_model(&mut self, bytes: &[u8]) -> Result<(), FolderError> {
        self.write(RunFile::Model.name(), bytes, Lasting::Power)
    }

    /// Writes a picture as NAME.svg and NAME.png; the name is `confusion`, `labels`, `forecast`,
    /// `free-run`, `capacity` or `learning`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write_picture(&mut self, name: &str, svg: &str, png: &[u8]) -> Result<(), FolderError> {
        debug_assert!(
            PICTURES.contains(&name),
            "{name} would outlast the next run"
        );
        self.write(&format!("{name}.svg"), svg.as_bytes(), Lasting::Program)?;
        self.write(&format!("{name}.png"), png, Lasting::Program)
    }

    fn empty(path: &Path) -> Self {
        Self {
            path: path.into(),
            created: Vec::new(),
            written: Vec::new(),
            records: String::new(),
            history: String::new(),
            keep: false,
        }
    }

    /// Creates a folder and those above it, and notes which there were not.
    fn create(&mut self, folder: &Path) -> Result<(), FolderError> {
        let missing = folder.ancestors().take_while(|path| {
            let named = !path.as_os_str().is_empty();
            named && !path.exists()
        });
        let mut missing: Vec<PathBuf> = missing.map(PathBuf::from).collect();
        missing.reverse();
        fs::create_dir_all(folder).map_err(|source| FolderError {
            path: folder.into(),
            source,
        })?;
        self.created = missing;
        Ok(())
    }

    /// Writes a file and removes it, so that a folder without permission is found before any work is done.
    fn probe(&self) -> Result<(), FolderError> {
        let probe = temporary(&self.path, RunFile::Config.name()).and_then(|file| file.close());
        probe.map_err(|source| FolderError {
            path: self.path.clone(),
            source,
        })
    }

    fn remove(&self, name: &str) -> Result<(), FolderError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(FolderError { path, source })
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self, name: &str, bytes: &[u8], lasting: Lasting) -> Result<(), FolderError> {
        let path = self.path.join(name);
        write_whole(&path, lasting, |file| file.write_all(bytes))?;
        if !self.written.contains(&path) {
            self.written.push(path);
        }
        Ok(())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        // Whatever fails here is not worth more than the error that led here.
        for file in &self.written {
            let _ = fs::remove_file(file);
        }
        for folder in self.created.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_run_leaves_its_three_files_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let mut run = RunFolder::create_in(&place.path().join("runs/name"), "id").unwrap();
        run.write_config("a = 1\n").unwrap();
        run.add_record("{}").unwrap();
        run.write_model(b"model").unwrap();
        run.add_record("[]").unwrap();
        let path = run.path().to_path_buf();
        drop(run);
        assert_eq!(path, place.path().join("runs/name/id"));
        assert_eq!(
            names(&path),
            ["config.toml", "model.safetensors", "records.jsonl"]
        );
        assert_eq!(
            fs::read_to_string(path.join("records.jsonl")).unwrap(),
            "{}\n[]\n"
        );
    }

    #[test]
    fn a_run_without_a_record_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let mut run = RunFolder::create_in(&place.path().join("runs/name"), "id").unwrap();
        run.write_config("a = 1\n").unwrap();
        drop(run);
        assert!(names(place.path()).is_empty());
    }

    #[test]
    fn runs_of_the_same_second_get_folders_of_their_own() {
        let place = tempfile::tempdir().unwrap();
        let first = RunFolder::create_in(place.path(), "id").unwrap();
        let second = RunFolder::create_in(place.path(), "id").unwrap();
        assert_ne!(first.path(), second.path());
    }

    #[test]
    fn a_named_folder_is_cleared_of_an_earlier_run_only() {
        let place = tempfile::tempdir().unwrap();
        for name in ["records.jsonl", "notes.txt"] {
            fs::write(place.path().join(name), "old").unwrap();
        }
        let mut run = RunFolder::open(place.path()).unwrap();
        run.add_record("{}").unwrap();
        assert_eq!(names(place.path()), ["notes.txt", "records.jsonl"]);
        let records = fs::read_to_string(place.path().join("records.jsonl")).unwrap();
        assert_eq!(records, "{}\n");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_found_at_once() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let error = RunFolder::open(&file.join("folder"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("cannot be written") && error.contains("file"),
            "{error}"
        );
    }
}
