//! Writing files that are whole or absent at any time.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file or folder could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the folder cannot be written: {path}: {source}", path = path.display())]
pub struct FolderError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

/// Creates a folder with those that it lies in, as far as they are not there, and gives what it created, the outermost first.
///
/// # Errors
///
/// When one cannot be created.
pub fn create_folder(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
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
    Ok(missing)
}

/// Removes folders that were created, the outermost first in the list, as far as nothing lies in them. What fails is left: it is
/// not worth more than the error that led here.
pub fn remove_folders(created: &[PathBuf]) {
    for folder in created.iter().rev() {
        let _ = fs::remove_dir(folder);
    }
}

/// Writes a file beside its place and moves it there, so that it is whole or absent; its folder is created if need be.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    create_folder(folder_of(path))?;
    write_whole(path, Lasting::Power, |file| file.write_all(bytes))
}

/// Whether a file must outlast a loss of power, or the end of this program alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// A loss of power.
    Power,
    /// The end of this program alone.
    Program,
}

/// Writes a file beside its place, in a folder that is there, and moves it there. Where `fill` fails on the way, as on a
/// full disk, what was at the place stays as it was and nothing else is left.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_whole(
    path: &Path,
    lasting: Lasting,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FolderError> {
    let write = || {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut file = temporary(folder_of(path), &name)?;
        fill(file.as_file_mut())?;
        // Waiting for the disk would take longer than a short epoch.
        if lasting == Lasting::Power {
            file.as_file().sync_all()?;
        }
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source: io::Error| FolderError {
        path: path.into(),
        source,
    })
}

/// A file that is going to be moved to its place in the folder, and is removed when it is dropped before.
fn temporary(folder: &Path, name: &str) -> io::Result<tempfile::NamedTempFile> {
    let prefix = format!(".{name}.");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).rand_bytes(RANDOM);
    // Temporary files are their owner's alone unless told otherwise; these are going to be ordinary files.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// How many letters and digits the name of a temporary file ends in.
const RANDOM: usize = 6;

/// Whether a name is one that a file of some name has while it is written.
#[must_use]
pub fn is_temporary(name: &str, file: &str) -> bool {
    let random = name.strip_prefix('.');
    let random = random.and_then(|name| name.strip_prefix(file)?.strip_prefix('.'));
    random.is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_file_is_known_by_its_name() {
        let place = tempfile::tempdir().unwrap();
        let file = temporary(place.path(), "run.json").unwrap();
        let name = file.path().file_name().unwrap().to_str().unwrap();
        assert!(is_temporary(name, "run.json"), "{name}");
        assert!(!is_temporary(name, "config.toml"), "{name}");
    }

    #[test]
    fn a_disk_that_is_full_half_way_leaves_what_was_there_and_a_sentence() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("checkpoint.safetensors");
        let full = |file: &mut dyn Write| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        for before in [None, Some("the one before")] {
            if let Some(before) = before {
                write_file(&path, before.as_bytes()).unwrap();
            }
            for lasting in [Lasting::Power, Lasting::Program] {
                let error = write_whole(&path, lasting, full).unwrap_err().to_string();
                assert!(
                    error.starts_with("the folder cannot be written: ")
                        && error.contains("checkpoint.safetensors: no storage space"),
                    "{error}"
                );
                assert_eq!(fs::read_to_string(&path).ok().as_deref(), before);
            }
            let left = fs::read_dir(place.path()).unwrap().count();
            assert_eq!(left, usize::from(before.is_some()));
        }
    }
}
