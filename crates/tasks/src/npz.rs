//! The `.npz` format of NumPy: a zip archive of `.npy` files.

use crate::npy::{self, NpyArray, Values};
use crate::{TaskError, input};
use ndarray::ArrayD;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

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
        let (file, _) = input::open(path)?;
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
    /// When there is none, naming the arrays of the file, or it cannot be read.
    pub fn array(&mut self, name: &str) -> Result<NpyArray, TaskError> {
        self.parsed(name, npy::parse)
    }

    fn parsed(
        &mut self,
        name: &str,
        parse: fn(&[u8]) -> Result<NpyArray, String>,
    ) -> Result<NpyArray, TaskError> {
        if !self.contains(name) {
            let names = self.names().join(", ");
            let problem = format!("there is no array `{name}`; the arrays are: {names}");
            return Err(TaskError::file(&self.path, problem));
        }
        let bytes = self
            .archive
            .by_name(&format!("{name}.npy"))
            .map_err(|error| error.to_string())
            .and_then(|entry| {
                let size = entry.size();
                unpack(entry, size)
            });
        let array = bytes.and_then(|bytes| parse(&bytes));
        array.map_err(|problem| self.wrong(name, problem))
    }

    fn wrong(&self, name: &str, problem: String) -> TaskError {
        TaskError::file(&self.path, format!("array `{name}`: {problem}"))
    }

    /// An array of finite numbers.
    pub(crate) fn floats(&mut self, name: &str) -> Result<ArrayD<f32>, TaskError> {
        let array = self.parsed(name, npy::parse_numbers)?;
        floats(array).map_err(|problem| self.wrong(name, problem))
    }

    /// An array of numbers, NaN where one is missing.
    pub(crate) fn numbers(&mut self, name: &str) -> Result<ArrayD<f64>, TaskError> {
        let array = self.parsed(name, npy::parse_numbers)?;
        numbers(array, true).map_err(|problem| self.wrong(name, problem))
    }
}

/// The bytes of an entry that says that it has `size` of them: its array's header must say the same before the rest is unpacked,
/// since a few bytes of an archive can unpack to any number of bytes.
fn unpack(mut entry: impl Read, size: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut read = |most: u64, bytes: &mut Vec<u8>| {
        let read = entry.by_ref().take(most).read_to_end(bytes);
        read.map_err(|error| error.to_string())
    };
    read((npy::LONGEST_HEADER as u64 + 12).min(size), &mut bytes)?;
    npy::check_length(&bytes, size)?;
    if size > input::LARGEST {
        return Err(format!(
            "it unpacks to {size} bytes; no more than {} are read",
            input::LARGEST
        ));
    }
    // One byte more than there are: the archive's checksum is compared where an entry ends.
    read(size - bytes.len() as u64 + 1, &mut bytes)?;
    if bytes.len() as u64 > size {
        return Err(format!(
            "it unpacks to more than the {size} bytes that it says"
        ));
    }
    Ok(bytes)
}

/// The array as single floats; the error says which value is not a finite number.
pub(crate) fn floats(array: NpyArray) -> Result<ArrayD<f32>, String> {
    numbers(array, false).map(|array| array.mapv(|number| number as f32))
}

/// The array with all its digits; the error says which value single precision cannot hold. NaN is a missing value, where there
/// may be some.
pub(crate) fn numbers(array: NpyArray, missing: bool) -> Result<ArrayD<f64>, String> {
    let Values::Numbers(numbers) = array.values else {
        return Err("it holds text where numbers are needed".into());
    };
    let array = ArrayD::from_shape_vec(array.shape, numbers).map_err(|error| error.to_string())?;
    let allowed = |value: f64| (value as f32).is_finite() || missing && value.is_nan();
    match array.indexed_iter().find(|&(_, &value)| !allowed(value)) {
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
    fn an_array_that_was_damaged_is_refused() {
        let numbers: Vec<f32> = (0..50_u8).map(f32::from).collect();
        let (_folder, path) = written(&[("X", npy::floats(&[50], &numbers))]);
        let mut bytes = std::fs::read(&path).unwrap();
        // The checksum of the entry, in the archive's list at its end: 16 bytes after that list's mark.
        let mark = bytes.windows(4).rposition(|four| four == b"PK\x01\x02");
        bytes[mark.unwrap() + 16] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let message = Npz::open(&path).unwrap().floats("X").unwrap_err();
        let message = message.to_string();
        assert!(
            message.contains("array `X`") && message.contains("checksum"),
            "{message}"
        );
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

    /// An archive of one entry that claims to be of `claimed` bytes.
    fn claiming(name: &str, bytes: &[u8], claimed: u32) -> (tempfile::TempDir, PathBuf) {
        let (folder, path) = written(&[(name, bytes.to_vec())]);
        let mut archive = std::fs::read(&path).unwrap();
        let size = (bytes.len() as u32).to_le_bytes();
        // The size stands in the entry's own header and in the directory at the archive's end.
        let places: Vec<usize> = (0..archive.len() - 4)
            .filter(|&place| archive[place..place + 4] == size)
            .collect();
        assert!(!places.is_empty());
        for place in places {
            archive[place..place + 4].copy_from_slice(&claimed.to_le_bytes());
        }
        std::fs::write(&path, archive).unwrap();
        (folder, path)
    }

    #[test]
    fn an_entry_is_as_long_as_its_array_says_or_is_not_unpacked() {
        let zeros = npy::floats(&[1000], &[0.0; 1000]);
        let (_folder, path) = claiming("X", &zeros, 4_000_000_000);
        let message = Npz::open(&path)
            .unwrap()
            .floats("X")
            .unwrap_err()
            .to_string();
        let expected = "array `X`: the shape [1000] with 4 bytes a value does not fit the 3999999872 bytes of data";
        assert!(message.contains(expected), "{message}");
        // An entry that goes on behind its array.
        let more = [zeros, vec![0; 1 << 20]].concat();
        let (_folder, path) = written(&[("X", more)]);
        let message = Npz::open(&path)
            .unwrap()
            .floats("X")
            .unwrap_err()
            .to_string();
        assert!(message.contains("does not fit the"), "{message}");
    }

    #[test]
    fn no_more_is_unpacked_than_was_announced() {
        let array = npy::floats(&[2], &[1.0, 2.0]);
        let endless = (&array[..]).chain(std::io::repeat(0));
        assert_eq!(unpack(&array[..], array.len() as u64).unwrap(), array);
        assert!(unpack(endless, array.len() as u64).is_err());
        let huge = npy::check_length(&array, u64::MAX);
        assert!(huge.is_err());
        assert!(unpack(std::io::repeat(0), u64::MAX).is_err());
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
