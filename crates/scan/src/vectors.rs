//! A limit on the vectors that the scan uses, for measurements and tests: the environment variable `RAN_VECTORS`.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

use thiserror::Error;

/// The widest vectors that are allowed. Those that the processor lacks are not used either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vectors {
    /// 16 numbers.
    Avx512,
    /// 8 numbers; NEON, of 4, is within it.
    Avx2,
    /// No vectors: one number at a time.
    Plain,
}

/// There is no limit of this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} names no vectors; allowed are avx512, avx2 and plain")]
pub struct VectorsError(String);

/// The environment variable that limits the vectors of a program or a test.
pub const VARIABLE: &str = "RAN_VECTORS";

/// Numbers that a vector may hold; 0 before the first call.
static LIMIT: AtomicUsize = AtomicUsize::new(0);

impl Vectors {
    const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Plain];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Plain => "plain",
        }
    }

    fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 16,
            Self::Avx2 => 8,
            Self::Plain => 1,
        }
    }

    /// What the environment variable says; without it, `None`.
    ///
    /// # Errors
    ///
    /// If it names no vectors.
    pub fn from_environment() -> Result<Option<Self>, VectorsError> {
        match std::env::var_os(VARIABLE) {
            None => Ok(None),
            Some(name) => name.to_string_lossy().parse().map(Some),
        }
    }

    /// Limits every scan of this process that begins from now on, whatever the environment says.
    pub fn limit(self) {
        LIMIT.store(self.lanes(), Ordering::Relaxed);
    }
}

/// Numbers that a vector may hold. A library does not speak: a variable that names no vectors limits nothing, and
/// programs are to ask [`Vectors::from_environment`] when they begin.
pub(crate) fn limit() -> usize {
    match LIMIT.load(Ordering::Relaxed) {
        0 => {
            let asked = Vectors::from_environment().ok().flatten();
            let lanes = asked.unwrap_or(Vectors::Avx512).lanes();
            LIMIT.store(lanes, Ordering::Relaxed);
            lanes
        }
        lanes => lanes,
    }
}

impl fmt::Display for Vectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Vectors {
    type Err = VectorsError;

    fn from_str(name: &str) -> Result<Self, VectorsError> {
        let known = Self::ALL.into_iter().find(|vectors| vectors.name() == name);
        known.ok_or_else(|| VectorsError(name.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_others_are_answered_with_those_that_are_allowed() {
        for vectors in Vectors::ALL {
            assert_eq!(vectors.to_string().parse(), Ok(vectors));
        }
        let error = "sse9".parse::<Vectors>().unwrap_err().to_string();
        let expected = "\"sse9\" names no vectors; allowed are avx512, avx2 and plain";
        assert_eq!(error, expected);
    }
}
