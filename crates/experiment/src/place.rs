//! Where a run's folder goes.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::FolderError;
use crate::folder::RunFolder;

/// Where a run leaves its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// `runs/NAME/ID` in the current folder. The id is the time in UTC and a digest of what is run:
    /// `20240930-141500-1f2e3d4c`.
    #[default]
    Own,
    /// A folder that the user names; files of an earlier run there are replaced.
    Named(PathBuf),
}

impl Place {
    /// Where [`Place::Own`] would put what is run now: `runs/NAME/ID`.
    #[must_use]
    pub fn own_folder(name: &str, what: &str) -> PathBuf {
        let id = id(OffsetDateTime::now_utc(), what);
        Path::new("runs").join(name).join(id)
    }

    /// Opens the folder for a run of an experiment; `what` is all that tells this run from another.
    ///
    /// # Errors
    ///
    /// When the folder cannot be created or written.
    pub(crate) fn open(&self, experiment: &str, what: &str) -> Result<RunFolder, FolderError> {
        match self {
            Self::Own => {
                let id = id(OffsetDateTime::now_utc(), what);
                RunFolder::create_in(&Path::new("runs").join(experiment), &id)
            }
            Self::Named(folder) => RunFolder::open(folder),
        }
    }
}

fn id(now: OffsetDateTime, what: &str) -> String {
    let (year, month, day) = now.to_calendar_date();
    let (hour, minute, second) = now.to_hms();
    let month = u8::from(month);
    let digest = Sha256::digest(what);
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}-{digest:.8x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_time_and_a_digest() {
        let moment = OffsetDateTime::from_unix_timestamp(1_000_000_000).unwrap();
        // SHA-256 of "abc", FIPS 180-2, appendix B.1, begins with ba7816bf.
        assert_eq!(id(moment, "abc"), "20010909-014640-ba7816bf");
    }
}
