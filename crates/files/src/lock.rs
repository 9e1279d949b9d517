//! Keeping a run's folder to one run at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::FolderError;

/// The file whose lock is held.
pub const LOCK: &str = ".lock";

/// A folder that is locked for a run until this is dropped.
///
/// It is the operating system's lock on a file: it ends with the program, however that ends, and a file that a killed run
/// leaves behind locks nothing.
#[derive(Debug)]
pub struct FolderLock {
    path: PathBuf,
    _file: File,
}

impl FolderLock {
    /// Locks a folder that is there.
    ///
    /// # Errors
    ///
    /// When another run has it, or it cannot be written.
    pub fn take(folder: &Path) -> Result<Self, FolderError> {
        let path = folder.join(LOCK);
        let failed = |source| FolderError {
            path: folder.into(),
            source,
        };
        loop {
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(false);
            let file = options.open(&path).map_err(failed)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    let taken =
                        "another run is writing into it; let that one end, or name another folder";
                    let source = io::Error::new(io::ErrorKind::ResourceBusy, taken);
                    return Err(failed(source));
                }
                // Some file systems of clusters know no locks: a run there is as good without one.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            // The run that had the lock may have removed the file with it: this is then a lock on a file without a name.
            if is_at(&file, &path) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // A file that stays does no harm.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a file that was opened is still the one at a path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    let (own, there) = (file.metadata().map(place), fs::metadata(path).map(place));
    own.ok().is_some_and(|own| there.ok() == Some(own))
}

/// Whether a file that was opened is still the one at a path, as far as the standard library can tell.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_runs_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let first = FolderLock::take(place.path()).unwrap();
        let refused = FolderLock::take(place.path()).unwrap_err().to_string();
        assert!(refused.contains("another run is writing"), "{refused}");
        drop(first);
        assert!(!place.path().join(LOCK).exists());
        drop(FolderLock::take(place.path()).unwrap());
    }

    #[test]
    fn a_file_that_a_killed_run_left_locks_nothing() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join(LOCK), "").unwrap();
        assert!(FolderLock::take(place.path()).is_ok());
    }
}
