//! Reading files that somebody else names: whole, but never without end.

use crate::TaskError;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// No file is read that is larger.
pub(crate) const LARGEST: u64 = 8 << 30;

/// Opens a regular file that is no larger than [`LARGEST`], and says how large it is. A device or a pipe may have no end, and
/// a pipe would be waited for.
pub(crate) fn open(path: &Path) -> Result<(File, u64), TaskError> {
    let failed = |error| TaskError::read(path, error);
    let about = fs::metadata(path).map_err(failed)?;
    if !about.is_file() {
        let what = if about.is_dir() {
            "a folder"
        } else {
            "a device or a pipe"
        };
        let problem = format!("it is {what}; a regular file is needed");
        return Err(TaskError::file(path, problem));
    }
    if about.len() > LARGEST {
        return Err(too_large(path, LARGEST));
    }
    Ok((File::open(path).map_err(failed)?, about.len()))
}

/// The bytes of a regular file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, TaskError> {
    let (file, _) = open(path)?;
    at_most(path, file, LARGEST)
}

/// The bytes of a reader, at most `most`; `path` is for messages.
pub(crate) fn at_most(path: &Path, reader: impl Read, most: u64) -> Result<Vec<u8>, TaskError> {
    let mut bytes = Vec::new();
    // Some files say that they hold nothing and go on for ever, as those of /proc may.
    let read = reader.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| TaskError::read(path, error))?;
    if bytes.len() as u64 > most {
        return Err(too_large(path, most));
    }
    Ok(bytes)
}

fn too_large(path: &Path, most: u64) -> TaskError {
    TaskError::file(
        path,
        format!("it holds more than {most} bytes, which is more than is read"),
    )
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
                "/dev/zero: it is a device or a pipe; a regular file is needed"
            );
        }
    }

    #[test]
    fn no_more_is_read_than_asked_for() {
        let path = Path::new("endless");
        assert_eq!(at_most(path, &b"abc"[..], 3).unwrap(), b"abc");
        let message = at_most(path, std::io::repeat(0), 1000)
            .unwrap_err()
            .to_string();
        assert!(message.contains("more than 1000 bytes"), "{message}");
    }
}
