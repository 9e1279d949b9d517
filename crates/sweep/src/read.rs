//! Reading a sweep's file.

use std::fs;
use std::path::Path;

use crate::assign::same_as;
use crate::{Point, SweepConfig, SweepError};

impl SweepConfig {
    /// Reads a sweep's file.
    ///
    /// # Errors
    ///
    /// A sentence with the line and what is allowed.
    pub fn read(path: &Path) -> Result<Self, SweepError> {
        let wrong = |problem: String| SweepError::File {
            path: path.into(),
            problem,
        };
        let text =
            fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        Self::parse(&text, path)
    }

    /// Reads a sweep's text; `origin` is for messages.
    ///
    /// # Errors
    ///
    /// As [`SweepConfig::read`].
    pub fn parse(text: &str, origin: &Path) -> Result<Self, SweepError> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or_else(String::new, |span| {
                let before = text.bytes().take(span.start);
                let line = 1 + before.filter(|&byte| byte == b'\n').count();
                format!("line {line}: ")
            });
            SweepError::File {
                path: origin.into(),
                problem: format!("{line}{}", error.message().replace('\n', " ")),
            }
        })?;
        let checked = config.with_dots().and_then(|()| config.validate());
        checked.map_err(|source| SweepError::Config {
            origin: origin.into(),
            source,
        })?;
        Ok(config)
    }

    /// What all trials have beyond their base, as `--set` takes it. What is to be the same as a key of the space is left out.
    #[must_use]
    pub fn in_common(&self) -> Vec<String> {
        let mut set = self.set.clone();
        set.retain(|_, value| same_as(value).is_none());
        crate::assignments(&set, &Point::new())
    }

    /// The assignments of a point, as `--set` takes them.
    pub(crate) fn assignments(&self, point: &Point) -> Vec<String> {
        crate::assignments(&self.set, point)
    }
}
