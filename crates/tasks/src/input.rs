//! Reading files that somebody else names: whole, but never without end.

use crate::TaskError;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// No file is read that is larger.
pub(crate) const LARGEST: u64 = 8 << 30;

/// Opens a regular file that is no larger than [`LARGEST`], and says how large it is. A device or a pipe may have no end, and
/// a pipe would be waited for.
pub(crate) fn open(path: &Path) -> Result<(File, u64), TaskError> {
    regular(path).map_err(|error| TaskError::read(path, error))
}

/// The bytes of a regular file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, TaskError> {
    read_file(path).map_err(|error| TaskError::read(path, error))
}

/// The bytes of a regular file that somebody else names, of at most 8 GiB. A device or a pipe is not read: it may have no end.
///
/// # Errors
///
/// When there is none, it cannot be read, is no regular file, or is larger. The error does not name the file.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let (file, _) = regular(path)?;
    read_at_most(file, LARGEST)
}

/// The bytes of a reader, of which there must be no more than `most`.
///
/// # Errors
///
/// When it cannot be read to its end, or holds more.
pub fn read_at_most(reader: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Some files say that they hold nothing and go on for ever, as those of /proc may.
    reader.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(too_large(most)),
        false => Ok(bytes),
    }
}

fn regular(path: &Path) -> io::Result<(File, u64)> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        let what = if about.is_dir() {
            "a folder"
        } else {
            "a device or a pipe"
        };
        let problem = format!("it is {what}; a regular file is needed");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    match about.len() > LARGEST {
        true => Err(too_large(LARGEST)),
        false => Ok((File::open(path)?, about.len())),
    }
}

fn too_large(most: u64) -> io::Error {
    let problem = format!("it holds more than {most} bytes, which is more than is read");
    io::Error::new(io::ErrorKind::FileTooLarge, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| read(path).unwrap_err().to_string();
        assert!(refused(folder.path()).contains("it is a folder; a regular file is needed"));
        assert!(refused(&folder.path().join("none")).contains("cannot be read"));
        if cfg!(unix) {
            let device = refused(Path::new("/dev/zero"));
            assert_eq!(
                device,
                "/dev/zero cannot be read: it is a device or a pipe; a regular file is needed"
            );
        }
    }

    #[test]
    fn no_more_is_read_than_asked_for() {
        assert_eq!(read_at_most(&b"abc"[..], 3).unwrap(), b"abc");
        let endless = read_at_most(io::repeat(0), 1000);
        let message = endless.unwrap_err().to_string();
        assert!(message.contains("more than 1000 bytes"), "{message}");
    }
}
