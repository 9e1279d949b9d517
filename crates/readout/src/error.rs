//! What can go wrong when a readout is fitted, as full sentences.

/// An error of this crate: what was wrong, and what is allowed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadoutError {
    /// There is nothing to fit on.
    #[error("a readout cannot be fitted on no rows: at least one row is needed")]
    NoRows,
    /// Features and targets do not come in pairs.
    #[error(
        "there are {features} rows of features but {targets} rows of targets: every row needs both"
    )]
    Unpaired {
        /// Rows of features.
        features: usize,
        /// Rows of targets.
        targets: usize,
    },
    /// A row is not as wide as it was said to be.
    #[error("the {what} are {got} wide, but a width of {expected} was announced")]
    Width {
        /// "features" or "targets".
        what: &'static str,
        /// The announced width.
        expected: usize,
        /// The width that came.
        got: usize,
    },
    /// A value is infinite or not a number.
    #[error(
        "the {what} of row {row} hold {value} in column {column}: every value must be finite \
         (states that grow without bound usually want a bounded output or a smaller weight scale)"
    )]
    NotFinite {
        /// "features" or "targets".
        what: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// What stood there.
        value: f32,
    },
    /// A pass gave another number of rows than was announced.
    #[error("a pass over the rows gave {got} rows, but {expected} were announced")]
    Count {
        /// The announced number of rows.
        expected: usize,
        /// The rows that came.
        got: usize,
    },
    /// A parameter lies outside its range.
    #[error("{name} is {value}, but it must be {allowed}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What it was.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// The eigenvalue iteration gave up.
    #[error("the eigenvalues of the {size}×{size} matrix of the ridge regression did not converge")]
    Eigenvalues {
        /// Rows of the matrix.
        size: usize,
    },
    /// A fit by steps found no way on.
    #[error("the fit by cross-entropy stopped: {0}")]
    Search(String),
    /// An online readout left the range of its numbers.
    #[error(
        "the online readout diverged at update {update}: a smaller step size, or a forgetting \
         factor nearer to 1, keeps it stable"
    )]
    Diverged {
        /// The update, counted from 1.
        update: usize,
    },
}
