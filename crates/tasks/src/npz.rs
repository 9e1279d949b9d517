//! The `.npz` format of NumPy: a zip archive of `.npy` files.

use crate::TaskError;
use crate::npy::{self, NpyArray, Values};
use ndarray::ArrayD;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// No array of ours is larger; a small archive that claims to hold more would only fill the memory.
const LARGEST: u64 = 8 << 30;

/// The arrays of an `.npz` file, read when they are asked for.
pub struct Npz {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
}

impl Npz {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no archive.
    pub fn open(path: &Path) -> Result<Self, TaskError> {
        let file = File::open(path).map_err(|error| TaskError::read(path, error))?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| {
            TaskError::file(path, format!("the .npz archive cannot be opened: {error}"))
        })?;
        Ok(Self {
            path: path.into(),
            archive,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the arrays, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let names = self
            .archive
            .file_names()
            .filter_map(|name| name.strip_suffix(".npy"));
        let mut names: Vec<String> = names.map(String::from).collect();
        names.sort();
        names
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.archive
            .index_for_name(&format!("{name}.npy"))
            .is_some()
    }

    /// The array of a name.
    ///
    /// # Errors
    ///
    /// When there is none, naming those that there are, or it cannot be read.
    pub fn array(&mut self, name: &str) -> Result<NpyArray, TaskError> {
        if !self.contains(name) {
            let names = self.names().join(", ");
            let problem = format!("there is no array `{name}`; the arrays are: {names}");
            return Err(TaskError::file(&self.path, problem));
        }
        let mut bytes = Vec::new();
        let read = self
            .archive
            .by_name(&format!("{name}.npy"))
            .map_err(|error| error.to_string())
            .and_then(|entry| {
                entry
                    .take(LARGEST)
                    .read_to_end(&mut bytes)
                    .map_err(|error| error.to_string())
            });
        let array = read.and_then(|_| npy::parse(&bytes));
        array.map_err(|problem| TaskError::file(&self.path, format!("array `{name}`: {problem}")))
    }

    /// An array of finite numbers.
    pub(crate) fn floats(&mut self, name: &str) -> Result<ArrayD<f32>, TaskError> {
        let array = self.array(name)?;
        floats(array)
            .map_err(|problem| TaskError::file(&self.path, format!("array `{name}`: {problem}")))
    }
}

/// The array as single floats; the error says which value is not a finite number.
pub(crate) fn floats(array: NpyArray) -> Result<ArrayD<f32>, String> {
    let Values::Numbers(numbers) = array.values else {
        return Err("it holds text where numbers are needed".into());
    };
    let single: Vec<f32> = numbers.iter().map(|&number| number as f32).collect();
    let array = ArrayD::from_shape_vec(array.shape, single).map_err(|error| error.to_string())?;
    match array.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(array),
        Some((place, value)) => {
            let place = format!("{:?}", ndarray::Dimension::slice(&place));
            Err(format!(
                "{value} at {place} is not allowed; values must be finite in single precision"
            ))
        }
    }
}

/// Writes the bytes of `.npy` files into an `.npz` archive, whatever they are.
#[cfg(test)]
pub(crate) fn write(
    path: &Path,
    arrays: &std::collections::BTreeMap<String, Vec<u8>>,
) -> Result<(), TaskError> {
    use std::io::Write;

    let mut archive = zip::ZipWriter::new(File::create(path).expect("the folder is there"));
    for (name, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        let begun = archive.start_file(format!("{name}.npy"), options);
        begun.expect("names differ");
        archive.write_all(bytes).expect("there is room");
    }
    archive.finish().expect("there is room");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(arrays: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.npz");
        let arrays = arrays
            .iter()
            .map(|(name, bytes)| (name.to_string(), bytes.clone()))
            .collect();
        write(&path, &arrays).unwrap();
        (folder, path)
    }

    #[test]
    fn arrays_come_back_by_name() {
        let (_folder, path) = written(&[
            ("X", npy::floats(&[2], &[1.0, 2.0])),
            ("y", npy::text(&[1], &["a"])),
        ]);
        let mut npz = Npz::open(&path).unwrap();
        assert_eq!(npz.names(), ["X", "y"]);
        assert_eq!(npz.floats("X").unwrap().as_slice().unwrap(), [1.0, 2.0]);
        assert_eq!(
            npz.array("y").unwrap().values,
            Values::Text(vec!["a".into()])
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_file_and_array() {
        let (_folder, path) = written(&[
            ("X", npy::floats(&[1, 2], &[1.0, f32::NAN])),
            ("y", npy::text(&[1], &["a"])),
            ("z", b"garbled".to_vec()),
        ]);
        let mut npz = Npz::open(&path).unwrap();
        for (name, expected) in [
            ("X", "data.npz: array `X`: NaN at [0, 1] is not allowed"),
            ("y", "data.npz: array `y`: it holds text"),
            ("z", "data.npz: array `z`: the first bytes are not"),
            (
                "w",
                "data.npz: there is no array `w`; the arrays are: X, y, z",
            ),
        ] {
            let message = npz.floats(name).unwrap_err().to_string();
            assert!(
                message.contains(expected),
                "expected «{expected}», got «{message}»"
            );
        }
    }

    #[test]
    fn a_file_that_is_no_archive_or_cut_short_is_refused() {
        let (_folder, path) = written(&[("X", npy::floats(&[2], &[1.0, 2.0]))]);
        let bytes = std::fs::read(&path).unwrap();
        for broken in [&b"no archive"[..], &[], &bytes[..bytes.len() / 2]] {
            std::fs::write(&path, broken).unwrap();
            let message = Npz::open(&path).err().unwrap().to_string();
            assert!(
                message.contains("data.npz: the .npz archive cannot be opened"),
                "{message}"
            );
        }
    }

    proptest! {
        // Each case writes and reads a file, so fewer of them than of what happens in memory.
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn a_mutated_archive_never_panics_and_stays_finite(
            mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let arrays = [("X", npy::floats(&[2, 2], &[1.0; 4])), ("y", npy::text(&[2], &["a", "b"]))];
            let (_folder, path) = written(&arrays);
            let mut bytes = std::fs::read(&path).unwrap();
            for (place, byte) in mutations {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            std::fs::write(&path, bytes).unwrap();
            if let Ok(mut npz) = Npz::open(&path) {
                for name in npz.names() {
                    let _ = npz.array(&name);
                    if let Ok(array) = npz.floats(&name) {
                        prop_assert!(array.iter().all(|value| value.is_finite()));
                    }
                }
            }
        }
    }
}
