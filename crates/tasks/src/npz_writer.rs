//! Writing `.npz` archives array by array, so that none of them need be in memory as a whole.

use crate::{TaskError, npy};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An `.npz` file that is being written. [`finish`](Self::finish) moves it to its place; before that, nothing is there
/// or what was there before.
pub struct NpzWriter {
    path: PathBuf,
    archive: ZipWriter<NamedTempFile>,
    /// The names and shapes of the arrays so far.
    arrays: Vec<(String, Vec<usize>)>,
}

/// An array of single floats on disk that is filled in any order, and is zero where it is not filled.
pub struct Spool {
    /// The `.npz` file, for messages.
    path: PathBuf,
    file: File,
    shape: Vec<usize>,
}

/// A number that an array can hold.
pub trait Number {
    /// Its type as NumPy writes it.
    const DESCR: &'static str;

    /// Its bytes, the lowest one first.
    fn bytes(self) -> impl AsRef<[u8]>;
}

macro_rules! number {
    ($type:ty, $descr:literal) => {
        impl Number for $type {
            const DESCR: &'static str = $descr;

            fn bytes(self) -> impl AsRef<[u8]> {
                self.to_le_bytes()
            }
        }
    };
}

number!(f32, "<f4");
number!(f64, "<f8");
number!(i64, "<i8");

/// How the bytes of an array are kept.
#[derive(Clone, Copy)]
enum Kept {
    /// Compressed: for data, which have padding and masks.
    Small,
    /// As they are: for numbers that no compression makes smaller.
    AsTheyAre,
}

impl NpzWriter {
    /// Begins a file beside its place; its folder is made if need be.
    ///
    /// # Errors
    ///
    /// When there can be no file.
    pub fn create(path: &Path) -> Result<Self, TaskError> {
        let begin = || {
            if path.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            fs::create_dir_all(folder_of(path))?;
            let mut builder = tempfile::Builder::new();
            builder.prefix(".export.").suffix(".npz");
            // Temporary files are their owner's alone unless told otherwise; this is going to be an ordinary file.
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
            builder.tempfile_in(folder_of(path))
        };
        let file = begin().map_err(|source| TaskError::write(path, source))?;
        Ok(Self {
            path: path.into(),
            archive: ZipWriter::new(file),
            arrays: Vec::new(),
        })
    }

    /// The names and shapes of the arrays so far, in their order.
    #[must_use]
    pub fn arrays(&self) -> &[(String, Vec<usize>)] {
        &self.arrays
    }

    /// Adds an array of numbers, in C order.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    ///
    /// # Panics
    ///
    /// When the shape does not fit the number of values.
    pub fn numbers<N: Number>(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl IntoIterator<Item = N>,
    ) -> Result<(), TaskError> {
        let header = npy::header(N::DESCR, shape);
        let length = bytes_of(shape, size_of::<N>())
            .map_err(|source| TaskError::write(&self.path, source))?;
        let mut count = 0;
        self.entry(name, shape, header.len() + length, Kept::Small, |out| {
            let mut out = BufWriter::with_capacity(1 << 16, out);
            out.write_all(&header)?;
            for value in values {
                out.write_all(value.bytes().as_ref())?;
                count += 1;
            }
            out.flush()
        })?;
        let expected: usize = shape.iter().product();
        assert_eq!(count, expected, "the shape must fit the values");
        Ok(())
    }

    /// Adds an array of strings.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    ///
    /// # Panics
    ///
    /// When the shape does not fit the number of values.
    pub fn text(&mut self, name: &str, shape: &[usize], values: &[&str]) -> Result<(), TaskError> {
        let bytes = npy::text(shape, values);
        self.entry(name, shape, bytes.len(), Kept::Small, |out| {
            out.write_all(&bytes)
        })
    }

    /// An array that is filled in any order before it is added with [`spooled`](Self::spooled). It lies in the folder of
    /// the `.npz` file, without a name, and goes when the program ends.
    ///
    /// # Errors
    ///
    /// When there can be no such file.
    pub fn spool(&self, shape: &[usize]) -> Result<Spool, TaskError> {
        let begin = || {
            let file = tempfile::tempfile_in(folder_of(&self.path))?;
            file.set_len(bytes_of(shape, 4)? as u64)?;
            Ok(file)
        };
        let file = begin().map_err(|source| TaskError::write(&self.path, source))?;
        Ok(Spool {
            path: self.path.clone(),
            file,
            shape: shape.to_vec(),
        })
    }

    /// Adds an array that has been filled.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn spooled(&mut self, name: &str, mut spool: Spool) -> Result<(), TaskError> {
        let header = npy::header(f32::DESCR, &spool.shape);
        let length =
            bytes_of(&spool.shape, 4).map_err(|source| TaskError::write(&self.path, source))?;
        let bytes = header.len() + length;
        let shape = spool.shape.clone();
        self.entry(name, &shape, bytes, Kept::AsTheyAre, |out| {
            out.write_all(&header)?;
            spool.file.seek(SeekFrom::Start(0))?;
            let mut values = (&mut spool.file).take(length as u64);
            io::copy(&mut values, out).map(drop)
        })
    }

    /// Moves the file to its place.
    ///
    /// # Errors
    ///
    /// When it cannot be written; what was at its place then stays as it was.
    pub fn finish(self) -> Result<(), TaskError> {
        let Self { path, archive, .. } = self;
        let finish = || {
            let file = archive.finish()?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        finish().map_err(|source: io::Error| TaskError::write(&path, source))
    }

    fn entry(
        &mut self,
        name: &str,
        shape: &[usize],
        bytes: usize,
        kept: Kept,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), TaskError> {
        let method = match kept {
            Kept::Small => CompressionMethod::Deflated,
            Kept::AsTheyAre => CompressionMethod::Stored,
        };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            // Compressed bytes may be a few more than they were.
            .large_file(bytes as u64 >= u64::from(u32::MAX) / 2);
        let archive = &mut self.archive;
        let begun = archive.start_file(format!("{name}.npy"), options);
        let written = begun.map_err(io::Error::from);
        let written = written.and_then(|()| fill(archive));
        written.map_err(|source| TaskError::write(&self.path, source))?;
        self.arrays.push((name.into(), shape.to_vec()));
        Ok(())
    }
}

impl Spool {
    /// Fills values from a place on, counted in values in C order.
    ///
    /// # Errors
    ///
    /// When they cannot be written, as on a full disk.
    ///
    /// # Panics
    ///
    /// When they reach beyond the array's end.
    pub fn fill(
        &mut self,
        place: usize,
        values: impl Iterator<Item = f32>,
    ) -> Result<(), TaskError> {
        let bytes: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
        let all: usize = self.shape.iter().product();
        assert!(
            place * 4 + bytes.len() <= all * 4,
            "the values must lie within the array"
        );
        let sought = self.file.seek(SeekFrom::Start(place as u64 * 4));
        let written = sought.and_then(|_| self.file.write_all(&bytes));
        written.map_err(|source| TaskError::write(&self.path, source))
    }
}

fn bytes_of(shape: &[usize], each: usize) -> io::Result<usize> {
    let mut sizes = shape.iter();
    let bytes = sizes.try_fold(each, |product, &size| product.checked_mul(size));
    let bytes = bytes.filter(|&bytes| i64::try_from(bytes).is_ok());
    bytes.ok_or_else(|| io::Error::other(format!("an array of shape {shape:?} fits no disk")))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy::Values;
    use crate::npz::Npz;

    #[test]
    fn arrays_are_read_back_however_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/data.npz");
        let mut writer = NpzWriter::create(&path).unwrap();
        writer.numbers("a", &[2], [1.5_f32, -2.0]).unwrap();
        writer.numbers("b", &[1, 2], [3_i64, -4]).unwrap();
        writer.text("c", &[1], &["größer"]).unwrap();
        let mut spool = writer.spool(&[2, 3]).unwrap();
        spool.fill(4, [5.0, 6.0].into_iter()).unwrap();
        spool.fill(0, [1.0].into_iter()).unwrap();
        writer.spooled("d", spool).unwrap();
        assert!(!path.exists());
        assert_eq!(writer.arrays()[3], ("d".into(), vec![2, 3]));
        writer.finish().unwrap();
        let mut npz = Npz::open(&path).unwrap();
        assert_eq!(npz.names(), ["a", "b", "c", "d"]);
        for (name, shape, values) in [
            ("a", &[2][..], &[1.5, -2.0][..]),
            ("b", &[1, 2], &[3.0, -4.0]),
            ("d", &[2, 3], &[1.0, 0.0, 0.0, 0.0, 5.0, 6.0]),
        ] {
            let array = npz.array(name).unwrap();
            assert_eq!(array.shape, shape);
            assert_eq!(array.values, Values::Numbers(values.to_vec()));
        }
        let text = npz.array("c").unwrap().values;
        assert_eq!(text, Values::Text(vec!["größer".into()]));
    }

    #[test]
    fn a_file_that_is_not_finished_leaves_what_was_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.npz");
        fs::write(&path, "before").unwrap();
        let mut writer = NpzWriter::create(&path).unwrap();
        let _spool = writer.spool(&[4]).unwrap();
        writer.numbers("a", &[1], [0.0_f32]).unwrap();
        drop(writer);
        assert_eq!(fs::read(&path).unwrap(), b"before");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let message = NpzWriter::create(folder.path()).err().unwrap().to_string();
        assert!(message.contains("cannot be written"), "{message}");
        let writer = NpzWriter::create(&path).unwrap();
        let message = writer.spool(&[usize::MAX, 2]).err().unwrap().to_string();
        assert!(
            message.contains("data.npz") && message.contains("fits no disk"),
            "{message}"
        );
    }
}
