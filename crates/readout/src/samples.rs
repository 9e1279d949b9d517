//! Samples: rows of features with their targets, handed over in chunks.

use crate::ReadoutError;
use faer::{MatMut, MatRef};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

/// Rows of features and targets that can be passed over more than once, without all being held in memory.
///
/// A ridge regression makes one pass, or two where it has to choose a penalty with more rows than features; a fit by cross-entropy makes
/// several for each step of its search; deviations of the features are one pass more.
pub trait Samples {
    /// The number of rows.
    fn count(&self) -> usize;
    /// The width of a row of features.
    fn d_features(&self) -> usize;
    /// The width of a row of targets.
    fn d_output(&self) -> usize;
    /// Makes a pass: visits every row once, in the same order on each pass, in chunks of any number of rows.
    ///
    /// # Shapes
    ///
    /// - features of a chunk: `[rows, d_features]`
    /// - targets of a chunk: `[rows, d_output]`
    fn pass(&self, visit: &mut dyn FnMut(ArrayView2<'_, f32>, ArrayView2<'_, f32>));
}

/// Samples that are held in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct InMemory {
    features: Array2<f32>,
    targets: Array2<f32>,
}

impl InMemory {
    /// Pairs features with targets.
    ///
    /// # Shapes
    ///
    /// - features: `[rows, d_features]`
    /// - targets: `[rows, d_output]`
    ///
    /// # Errors
    ///
    /// If they differ in rows.
    pub fn new(features: Array2<f32>, targets: Array2<f32>) -> Result<Self, ReadoutError> {
        if features.nrows() != targets.nrows() {
            return Err(ReadoutError::Unpaired {
                features: features.nrows(),
                targets: targets.nrows(),
            });
        }
        Ok(InMemory { features, targets })
    }
}

impl Samples for InMemory {
    fn count(&self) -> usize {
        self.features.nrows()
    }

    fn d_features(&self) -> usize {
        self.features.ncols()
    }

    fn d_output(&self) -> usize {
        self.targets.ncols()
    }

    fn pass(&self, visit: &mut dyn FnMut(ArrayView2<'_, f32>, ArrayView2<'_, f32>)) {
        const ROWS: usize = 1024;
        let features = self.features.axis_chunks_iter(Axis(0), ROWS);
        for (features, targets) in features.zip(self.targets.axis_chunks_iter(Axis(0), ROWS)) {
            visit(features, targets);
        }
    }
}

/// Some rows in f64, gathered from the chunks of a pass.
pub(crate) struct Block<'a> {
    /// `[rows, d_features]`
    pub(crate) features: MatMut<'a, f64>,
    /// `[rows, d_output]`
    pub(crate) targets: MatMut<'a, f64>,
}

/// Makes a pass in blocks of `VALUES_IN_BLOCK / d_features` rows, at least 64 and at most 4,096, whatever the chunks of the samples are: matrix
/// products over a handful of rows would be bound by memory, and over all rows would need too much of it.
///
/// # Errors
///
/// If a value is not finite, or a width or the number of rows is not what the samples announce.
pub(crate) fn pass_in_blocks(
    samples: &dyn Samples,
    visit: &mut dyn FnMut(Block<'_>),
) -> Result<(), ReadoutError> {
    let mut buffer = Buffer::new(samples);
    let mut outcome = Ok(());
    samples.pass(&mut |features, targets| {
        if outcome.is_ok() {
            outcome = buffer.push(features, targets, visit);
        }
    });
    outcome?;
    buffer.flush(visit);
    if buffer.seen != samples.count() {
        return Err(ReadoutError::Count {
            expected: samples.count(),
            got: buffer.seen,
        });
    }
    Ok(())
}

/// Values in a block: 32 MiB of f64.
const VALUES_IN_BLOCK: usize = 4 << 20;

struct Buffer {
    capacity: usize,
    d_features: usize,
    d_output: usize,
    rows: usize,
    seen: usize,
    features: Vec<f64>,
    targets: Vec<f64>,
}

impl Buffer {
    fn new(samples: &dyn Samples) -> Self {
        let capacity = (VALUES_IN_BLOCK / samples.d_features().max(1)).clamp(64, 4096);
        Buffer {
            capacity: capacity.min(samples.count().max(1)),
            d_features: samples.d_features(),
            d_output: samples.d_output(),
            rows: 0,
            seen: 0,
            features: Vec::new(),
            targets: Vec::new(),
        }
    }

    fn push(
        &mut self,
        features: ArrayView2<'_, f32>,
        targets: ArrayView2<'_, f32>,
        visit: &mut dyn FnMut(Block<'_>),
    ) -> Result<(), ReadoutError> {
        check_chunk(self.d_features, self.d_output, features, targets)?;
        for (features, targets) in features.rows().into_iter().zip(targets.rows()) {
            append("features", self.seen, features, &mut self.features)?;
            append("targets", self.seen, targets, &mut self.targets)?;
            self.rows += 1;
            self.seen += 1;
            if self.rows == self.capacity {
                self.flush(visit);
            }
        }
        Ok(())
    }

    fn flush(&mut self, visit: &mut dyn FnMut(Block<'_>)) {
        if self.rows == 0 {
            return;
        }
        visit(Block {
            features: MatMut::from_row_major_slice_mut(
                &mut self.features,
                self.rows,
                self.d_features,
            ),
            targets: MatMut::from_row_major_slice_mut(&mut self.targets, self.rows, self.d_output),
        });
        self.rows = 0;
        self.features.clear();
        self.targets.clear();
    }
}

/// Checks that a chunk has the announced widths and pairs its rows.
fn check_chunk(
    d_features: usize,
    d_output: usize,
    features: ArrayView2<'_, f32>,
    targets: ArrayView2<'_, f32>,
) -> Result<(), ReadoutError> {
    for (what, expected, got) in [
        ("features", d_features, features.ncols()),
        ("targets", d_output, targets.ncols()),
    ] {
        if expected != got {
            return Err(ReadoutError::Width {
                what,
                expected,
                got,
            });
        }
    }
    if features.nrows() != targets.nrows() {
        return Err(ReadoutError::Unpaired {
            features: features.nrows(),
            targets: targets.nrows(),
        });
    }
    Ok(())
}

fn append(
    what: &'static str,
    row: usize,
    values: ArrayView1<'_, f32>,
    into: &mut Vec<f64>,
) -> Result<(), ReadoutError> {
    let values = values.as_standard_layout();
    let values = values.as_slice().expect("they were put in order");
    // All are looked at, so that the processor looks at several at a time.
    if !values
        .iter()
        .fold(true, |all, value| all & value.is_finite())
    {
        let mut each = values.iter().copied().enumerate();
        let (column, value) = each
            .find(|(_, value)| !value.is_finite())
            .expect("one is not finite");
        return Err(ReadoutError::NotFinite {
            what,
            row,
            column,
            value,
        });
    }
    into.extend(values.iter().map(|&value| f64::from(value)));
    Ok(())
}

/// The mean of each column.
pub(crate) fn column_means(rows: MatRef<'_, f64>) -> Vec<f64> {
    let mut sums = vec![0.0; rows.ncols()];
    add_columns(rows, &mut sums);
    let count = rows.nrows().max(1) as f64;
    sums.iter_mut().for_each(|sum| *sum /= count);
    sums
}

/// Adds each row to the sums, row by row, as the rows lie in memory.
pub(crate) fn add_columns(rows: MatRef<'_, f64>, sums: &mut [f64]) {
    for row in rows.row_iter() {
        match row.try_as_row_major() {
            Some(row) => add(sums, row.as_slice().iter()),
            None => add(sums, row.iter()),
        }
    }
}

fn add<'a>(sums: &mut [f64], row: impl Iterator<Item = &'a f64>) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}

/// Subtracts the same row from every row.
pub(crate) fn subtract(mut rows: MatMut<'_, f64>, shift: &[f64]) {
    for row in rows.as_mut().row_iter_mut() {
        for (value, shift) in row.iter_mut().zip(shift) {
            *value -= shift;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// Announces what it likes and passes over what it has.
    struct Announced {
        count: usize,
        d_features: usize,
        rows: InMemory,
    }

    impl Samples for Announced {
        fn count(&self) -> usize {
            self.count
        }
        fn d_features(&self) -> usize {
            self.d_features
        }
        fn d_output(&self) -> usize {
            1
        }
        fn pass(&self, visit: &mut dyn FnMut(ArrayView2<'_, f32>, ArrayView2<'_, f32>)) {
            self.rows.pass(visit);
        }
    }

    #[test]
    fn blocks_hold_every_row_once_in_order() {
        let features = Array2::from_shape_fn((9000, 2), |(row, column)| (2 * row + column) as f32);
        let targets = Array2::from_shape_fn((9000, 1), |(row, _)| row as f32);
        let samples = InMemory::new(features, targets).unwrap();
        let mut next = 0;
        let mut blocks = 0;
        pass_in_blocks(&samples, &mut |block| {
            blocks += 1;
            for row in 0..block.features.nrows() {
                assert_eq!(block.features[(row, 1)], (2 * next + 1) as f64);
                assert_eq!(block.targets[(row, 0)], next as f64);
                next += 1;
            }
        })
        .unwrap();
        assert_eq!((next, blocks), (9000, 3));
    }

    #[test]
    fn broken_promises_are_errors() {
        let rows = InMemory::new(array![[1.0, 2.0]], array![[1.0]]).unwrap();
        let mut samples = Announced {
            count: 2,
            d_features: 2,
            rows,
        };
        let error = pass_in_blocks(&samples, &mut |_| {}).unwrap_err();
        assert_eq!(
            error,
            ReadoutError::Count {
                expected: 2,
                got: 1
            }
        );
        samples.d_features = 3;
        let error = pass_in_blocks(&samples, &mut |_| {}).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the features are 2 wide, but a width of 3 was announced"
        );
    }

    #[test]
    fn unpaired_rows_are_an_error() {
        let error = InMemory::new(Array2::zeros((3, 1)), Array2::zeros((2, 1))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there are 3 rows of features but 2 rows of targets: every row needs both"
        );
    }

    #[test]
    fn a_value_that_is_not_finite_is_named() {
        let samples = InMemory::new(array![[0.0, 1.0], [0.0, f32::NAN]], array![[0.0], [1.0]]);
        let error = pass_in_blocks(&samples.unwrap(), &mut |_| {}).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the features of row 1 hold NaN in column 1: every value must be")
        );
    }
}
