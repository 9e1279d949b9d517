//! Fetching data sets that are not committed: into a cache, verified, whole or not at all.

use super::{DatasetFile, DatasetInfo, Fetch, LARGEST, file_name, list, package, sha256};
use crate::{TaskError, input};
use flate2::read::GzDecoder;
use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// How many first bytes of an unpacked file say how long it is.
const HEAD: u64 = 64;

/// The folder for fetched data sets: the environment variable `RAN_CACHE`, or `ran` in `XDG_CACHE_HOME`, or
/// `.cache/ran` in the home folder, or, where none of these is set, `ran-cache` in the current directory.
#[must_use]
pub fn cache() -> PathBuf {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    folder("RAN_CACHE")
        .or_else(|| folder("XDG_CACHE_HOME").map(|folder| folder.join("ran")))
        .or_else(|| folder("HOME").map(|folder| folder.join(".cache/ran")))
        .unwrap_or_else(|| "ran-cache".into())
}

/// Puts the data set `name` into the [`cache`] and returns its folder there. Files that are there and intact are kept;
/// otherwise its files are taken from the folder `from` (each as it is or gzipped, with `.gz` behind its name), or
/// downloaded with the package manager's own client. Nothing is left in the cache unless every checksum fits.
///
/// # Errors
///
/// When no such data set can be fetched, its client is missing or fails, a file is missing, or a checksum does not fit.
pub fn fetch(name: &str, from: Option<&Path>) -> Result<PathBuf, TaskError> {
    fetch_into(&cache(), name, from)
}

fn fetch_into(cache: &Path, name: &str, from: Option<&Path>) -> Result<PathBuf, TaskError> {
    let (set, how) = fetchable(name)?;
    let target = cache.join(&set.name);
    if intact(&set, cache) {
        return Ok(target);
    }
    fn failed(path: &Path) -> impl Fn(io::Error) -> TaskError {
        move |source| TaskError::write(path, source)
    }
    fs::create_dir_all(cache).map_err(failed(cache))?;
    // Beside the target, so that the last step is a rename; it is removed whenever this function ends.
    let work = tempfile::tempdir_in(cache).map_err(failed(cache))?;
    let files = match from {
        Some(folder) => from_folder(&set, folder)?,
        None => package::files(&set, &how, work.path())?,
    };
    let whole = work.path().join("whole");
    fs::create_dir(&whole).map_err(failed(&whole))?;
    for (file, bytes) in set.files.iter().zip(files) {
        let found = sha256(&bytes);
        if found != file.sha256 {
            let problem = format!(
                "{} has the checksum {found} where {} is expected; it is another version or damaged, and nothing was kept",
                file.path, file.sha256
            );
            return Err(TaskError::fetch(name, problem));
        }
        let path = whole.join(file_name(&file.path));
        fs::write(&path, bytes).map_err(failed(&path))?;
    }
    if target.exists() {
        fs::remove_dir_all(&target).map_err(failed(&target))?;
    }
    fs::rename(&whole, &target).map_err(failed(&target))?;
    Ok(target)
}

/// The bytes of a fetched file of the cache.
pub(crate) fn cached(name: &str, file: &str) -> Result<(PathBuf, Vec<u8>), TaskError> {
    cached_in(&cache(), name, file)
}

fn cached_in(cache: &Path, name: &str, file: &str) -> Result<(PathBuf, Vec<u8>), TaskError> {
    let path = cache.join(name).join(file);
    let bytes = input::read(&path).map_err(|error| {
        let problem = format!(
            "{error}; run `cargo xtask datasets fetch {name}`, or give the task the key `from`"
        );
        TaskError::fetch(name, problem)
    })?;
    let mut known = list().into_iter().flat_map(|set| set.files);
    let expected = known.find(|known| known.path == format!("{name}/{file}"));
    let found = sha256(&bytes);
    match expected {
        Some(expected) if expected.sha256 != found => {
            let problem = format!(
                "{} has the checksum {found} where {} is expected; delete it and run `cargo xtask datasets fetch {name}`",
                path.display(),
                expected.sha256
            );
            Err(TaskError::fetch(name, problem))
        }
        _ => Ok((path, bytes)),
    }
}

/// The bytes of the file `name` of `folder`, as it is or gzipped, and its path. `length` says of the first bytes how many there
/// may be in all, so that a small file does not unpack to what fills the memory.
pub(crate) fn read_plain_or_gzipped(
    folder: &Path,
    name: &str,
    length: fn(&[u8]) -> u64,
) -> Result<(PathBuf, Vec<u8>), TaskError> {
    let (plain, gzipped) = (folder.join(name), folder.join(format!("{name}.gz")));
    if plain.exists() || !gzipped.exists() {
        let bytes = input::read_file(&plain).map_err(|source| {
            let problem = format!(
                "neither this file nor {name}.gz can be read ({source}); one of them is needed"
            );
            TaskError::file(&plain, problem)
        })?;
        return Ok((plain, bytes));
    }
    let (file, _) = input::open(&gzipped)?;
    let broken = |error| TaskError::file(&gzipped, format!("it cannot be unpacked: {error}"));
    let mut unpacked = GzDecoder::new(BufReader::new(file));
    let mut bytes = Vec::new();
    let head = unpacked.by_ref().take(HEAD).read_to_end(&mut bytes);
    head.map_err(broken)?;
    let most = length(&bytes).min(LARGEST);
    // Reading one byte beyond the limit shows a file that is too long.
    let rest = (most + 1).saturating_sub(bytes.len() as u64);
    unpacked
        .take(rest)
        .read_to_end(&mut bytes)
        .map_err(broken)?;
    if bytes.len() as u64 > most {
        let problem = format!(
            "it unpacks to more than the {most} bytes that its header announces or that are read"
        );
        return Err(TaskError::file(&gzipped, problem));
    }
    Ok((gzipped, bytes))
}

pub(super) fn fetchable(name: &str) -> Result<(DatasetInfo, Fetch), TaskError> {
    let sets = list().into_iter();
    let sets = sets.filter_map(|set| set.fetch.clone().map(|fetch| (set, fetch)));
    let mut names = Vec::new();
    for (set, fetch) in sets {
        if set.name == name {
            return Ok((set, fetch));
        }
        names.push(set.name);
    }
    let names = names.join(", ");
    let problem = format!("there is nothing to fetch by this name; {names} can be fetched");
    Err(TaskError::fetch(name, problem))
}

fn intact(set: &DatasetInfo, cache: &Path) -> bool {
    set.files.iter().all(|file| {
        input::read(&cache.join(&file.path)).is_ok_and(|bytes| sha256(&bytes) == file.sha256)
    })
}

fn from_folder(set: &DatasetInfo, folder: &Path) -> Result<Vec<Vec<u8>>, TaskError> {
    let read = |file: &DatasetFile| {
        let read = read_plain_or_gzipped(folder, file_name(&file.path), |_| LARGEST);
        read.map(|(_, bytes)| bytes)
    };
    set.files.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T>(result: Result<T, TaskError>) -> String {
        result.err().expect("it must fail").to_string()
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let message = message(fetch_into(Path::new("unused"), "mnits", None));
        assert!(
            message.contains("mnist, spoken-digits, santa-fe can be fetched"),
            "{message}"
        );
        assert!(!Path::new("unused").exists());
    }

    #[test]
    fn a_file_with_another_checksum_leaves_nothing_behind() {
        let (cache, from) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(from.path().join("digits.npz"), "not the digits").unwrap();
        let message = message(fetch_into(cache.path(), "spoken-digits", Some(from.path())));
        assert!(
            message.contains("spoken-digits/digits.npz has the checksum"),
            "{message}"
        );
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        let (cache, from) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(from.path().join("train-images-idx3-ubyte"), "").unwrap();
        let message = message(fetch_into(cache.path(), "mnist", Some(from.path())));
        assert!(
            message.contains("train-labels-idx1-ubyte: neither this file nor"),
            "{message}"
        );
    }

    #[test]
    fn a_changed_file_of_the_cache_is_refused() {
        let cache = tempfile::tempdir().unwrap();
        let missing = message(cached_in(cache.path(), "spoken-digits", "digits.npz"));
        assert!(
            missing.contains("run `cargo xtask datasets fetch spoken-digits`"),
            "{missing}"
        );
        fs::create_dir(cache.path().join("spoken-digits")).unwrap();
        fs::write(cache.path().join("spoken-digits/digits.npz"), "changed").unwrap();
        let changed = message(cached_in(cache.path(), "spoken-digits", "digits.npz"));
        assert!(changed.contains("has the checksum"), "{changed}");
    }
}
