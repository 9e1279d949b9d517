//! The header of a `.ts` file.

use super::excerpt;

/// What the last part of each line is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TsTarget {
    /// A class label, one of those that the header lists if it lists any.
    Class(Vec<String>),
    /// A number.
    Value,
    /// A channel like the others: the header gives cases no target.
    None,
}

/// What the header says, as far as it bears on the cases.
#[derive(Default)]
pub(super) struct Header {
    pub(super) channels: Option<usize>,
    pub(super) univariate: bool,
    pub(super) equal_length: bool,
    pub(super) steps: Option<usize>,
    pub(super) target: Option<TsTarget>,
}

impl Header {
    /// Reads one of its lines.
    pub(super) fn read(&mut self, line: &str) -> Result<(), String> {
        let Some(line) = line.strip_prefix('@') else {
            return Err(format!(
                "`{}` stands before @data; a header line begins with @, a comment with #",
                excerpt(line)
            ));
        };
        let mut words = line.split_whitespace();
        let key = words.next().unwrap_or_default().to_lowercase();
        let value = words.next().unwrap_or_default();
        match key.as_str() {
            "timestamps" if boolean(&key, value)? => {
                return Err(
                    "@timeStamps is true; only cases without time stamps can be read: values at \
                            equal intervals, separated by commas"
                        .into(),
                );
            }
            "univariate" => self.univariate = boolean(&key, value)?,
            "equallength" => self.equal_length = boolean(&key, value)?,
            "dimension" | "dimensions" => self.channels = Some(count(&key, value)?),
            "serieslength" => self.steps = Some(count(&key, value)?),
            "classlabel" if boolean(&key, value)? => {
                let labels: Vec<String> = words.map(String::from).collect();
                self.target = Some(TsTarget::Class(labels));
            }
            "targetlabel" if boolean(&key, value)? => self.target = Some(TsTarget::Value),
            // Keys such as @problemName do not bear on the cases, and the archive has many of them.
            _ => {}
        }
        Ok(())
    }
}

fn boolean(key: &str, value: &str) -> Result<bool, String> {
    let boolean = value.to_lowercase().parse();
    boolean.map_err(|_| format!("@{key} is `{}`; it must be true or false", excerpt(value)))
}

fn count(key: &str, value: &str) -> Result<usize, String> {
    let count = value.parse().ok().filter(|&count| count > 0);
    count.ok_or_else(|| {
        format!(
            "@{key} is `{}`; it must be a positive integer",
            excerpt(value)
        )
    })
}
