//! The folder of a run, in which every file is whole at any time.

mod files;

pub(crate) use files::{RunFile, text_of};

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use files::{PICTURES, names};
use ran_files::{
    FolderError, FolderLock, LOCK, Lasting, create_folder, is_temporary, remove_folders,
    write_whole,
};

/// Where a run leaves its files: `run.json`, which comes first and says how the run was started, `config.toml`, which counts
/// where the two differ, `records.jsonl` and `model.safetensors`, and where it trains by gradient `history.jsonl` and, until it is done, `checkpoint.safetensors`; and pictures of what the model makes of the
/// test set, each as `.svg` and `.png`: `confusion` of classes, `labels` of several labels, `forecast` of numbers,
/// `free-run` in closed loop, `capacity` by delay, and `learning`, loss and score per epoch.
///
/// Each file is written under another name in the same folder and then renamed, so that a run that is killed leaves
/// files that are whole or absent. A run that fails before its first record or checkpoint takes back what it has written.
///
/// A folder is one run's at a time: it is locked while this lives, and what a killed run left half-written under other names
/// is removed when the next run opens it.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    lock: Option<FolderLock>,
    created: Vec<PathBuf>,
    written: Vec<PathBuf>,
    /// The text of the files that lines are added to.
    lines: HashMap<RunFile, String>,
    keep: bool,
}

impl RunFolder {
    /// Opens `folder`, which is created if need be; files of an earlier run there are removed.
    pub(crate) fn open(folder: &Path) -> Result<Self, FolderError> {
        let mut run = Self::empty(folder);
        run.created = create_folder(folder)?;
        run.lock()?;
        names().try_for_each(|name| run.remove_name(&name))?;
        Ok(run)
    }

    /// Creates a folder `id` in `parent`, or `id-2`, `id-3`, … where others have that name.
    pub(crate) fn create_in(parent: &Path, id: &str) -> Result<Self, FolderError> {
        let mut run = Self::empty(parent);
        run.created = create_folder(parent)?;
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
        run.lock()?;
        Ok(run)
    }

    /// Opens the folder of a run to go on in it, and keeps everything there.
    pub(crate) fn go_on(folder: &Path) -> Result<Self, FolderError> {
        let mut run = Self::empty(folder);
        run.keep = true;
        run.lock()?;
        Ok(run)
    }

    /// Whether a folder has nothing in it but what a run leaves that was killed before it began: no `run.json`.
    pub(crate) fn is_unbegun(folder: &Path) -> bool {
        let begun = |entry: io::Result<fs::DirEntry>| {
            let name = entry.map(|entry| entry.file_name());
            let name = name.ok().and_then(|name| name.into_string().ok());
            !name.is_some_and(|name| name == LOCK || is_left_over(&name))
        };
        fs::read_dir(folder).is_ok_and(|mut entries| !entries.any(begun))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, instead of the one before. With a record or a checkpoint in it the folder stays.
    pub(crate) fn put(&mut self, file: RunFile, bytes: &[u8]) -> Result<(), FolderError> {
        self.write(file.name(), bytes, file.lasting())?;
        self.keep |= matches!(file, RunFile::Records | RunFile::Checkpoint);
        Ok(())
    }

    /// Adds a line of JSON, without its end, to a file.
    pub(crate) fn add(&mut self, file: RunFile, line: &str) -> Result<(), FolderError> {
        let lines = format!("{}{line}\n", self.lines(file));
        self.put(file, lines.as_bytes())?;
        self.lines.insert(file, lines);
        Ok(())
    }

    /// The lines of a file that lines are added to.
    pub(crate) fn lines(&self, file: RunFile) -> &str {
        self.lines.get(&file).map_or("", String::as_str)
    }

    /// Goes on with these lines, whatever the file has.
    pub(crate) fn take_over(&mut self, file: RunFile, lines: String) {
        self.lines.insert(file, lines);
    }

    /// Removes a file, where it is there.
    pub(crate) fn remove(&self, file: RunFile) -> Result<(), FolderError> {
        self.remove_name(file.name())
    }

    /// Writes a picture as NAME.svg and NAME.png; the name is `confusion`, `labels`, `forecast`,
    /// `free-run`, `capacity` or `learning`.
    pub(crate) fn write_picture(
        &mut self,
        name: &str,
        svg: &str,
        png: &[u8],
    ) -> Result<(), FolderError> {
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
            lock: None,
            created: Vec::new(),
            written: Vec::new(),
            lines: HashMap::new(),
            keep: false,
        }
    }

    /// Locks the folder, which also finds out whether it can be written before any work is done, and removes what a killed
    /// run left of files that it was writing.
    fn lock(&mut self) -> Result<(), FolderError> {
        self.lock = Some(FolderLock::take(&self.path)?);
        let failed = |source| FolderError {
            path: self.path.clone(),
            source,
        };
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(name) = name.to_str().filter(|name| is_left_over(name)) {
                self.remove_name(name)?;
            }
        }
        Ok(())
    }

    fn remove_name(&self, name: &str) -> Result<(), FolderError> {
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
        for file in self.written.iter().rev() {
            let _ = fs::remove_file(file);
        }
        // The lock is a file in the folder.
        self.lock = None;
        remove_folders(&self.created);
    }
}

/// Whether a name is that of a file of a run that was being written.
fn is_left_over(name: &str) -> bool {
    names().any(|file| is_temporary(name, &file))
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
        run.put(RunFile::Config, b"a = 1\n").unwrap();
        run.add(RunFile::Records, "{}").unwrap();
        run.put(RunFile::Model, b"model").unwrap();
        run.add(RunFile::Records, "[]").unwrap();
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
        run.put(RunFile::Config, b"a = 1\n").unwrap();
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
        run.add(RunFile::Records, "{}").unwrap();
        drop(run);
        assert_eq!(names(place.path()), ["notes.txt", "records.jsonl"]);
        let records = fs::read_to_string(place.path().join("records.jsonl")).unwrap();
        assert_eq!(records, "{}\n");
    }

    #[test]
    fn what_a_killed_run_was_writing_is_removed_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let left = [".records.jsonl.aB3dE6", ".confusion.svg.aB3dE6", ".lock"];
        let others = [".records.jsonl", ".notes.txt.aB3dE6", "records.jsonl"];
        for name in left.iter().chain(&others) {
            fs::write(place.path().join(name), "old").unwrap();
        }
        drop(RunFolder::go_on(place.path()).unwrap());
        let mut expected = others;
        expected.sort_unstable();
        assert_eq!(names(place.path()), expected);
    }

    #[test]
    fn a_folder_is_unbegun_until_a_run_has_said_how_it_was_started() {
        let place = tempfile::tempdir().unwrap();
        for name in [".run.json.aB3dE6", ".lock"] {
            assert!(RunFolder::is_unbegun(place.path()));
            fs::write(place.path().join(name), "").unwrap();
        }
        assert!(RunFolder::is_unbegun(place.path()));
        fs::write(place.path().join("config.toml"), "").unwrap();
        assert!(!RunFolder::is_unbegun(place.path()));
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
