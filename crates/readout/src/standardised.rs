//! Features in units of their deviations, so that a penalty weighs on all of them alike: equation 17 of docs/model.md#readout.

use ndarray::{Array1, Array2, ArrayView2};

use crate::samples::{add_columns, column_means, pass_in_blocks, subtract};
use crate::{ReadoutError, Samples};

/// A deviation below this share of the size of a feature's values is rounding: such a feature does not vary.
const ROUNDING: f64 = 1e-5;
/// Nor does one with a smaller deviation than this: the weights that it would need are beyond f32.
const LEAST: f64 = 1e-20;

/// Samples whose features are divided by their standard deviations. A feature that does not vary, whose deviation is at most 1e-5 of its largest
/// value or 1e-20, stays as it is.
///
/// A penalty of squared weights depends on the units of features: of one that varies a thousand times less than another it takes
/// weights that are a thousand times as large, and costs a million times as much. Features of unequal kinds, as those of
/// [`Features::Pooled`](crate::Features::Pooled), want to be standardised.
///
/// ```
/// use ndarray::array;
/// use ran_readout::{InMemory, Ridge, Standardised, fit_ridge};
///
/// // The second feature, in thousandths, says what the first one does not.
/// let features = array![[1.0, 0.001], [-1.0, 0.001], [1.0, -0.001], [-1.0, -0.001]];
/// let samples = InMemory::new(features, array![[1.0], [1.0], [-1.0], [-1.0]])?;
/// let plain = fit_ridge(&samples, Ridge::Value(0.1))?;
/// assert!(plain.weights[[1, 0]] * 0.001 < 0.001);
///
/// let standardised = Standardised::new(&samples)?;
/// let mut fit = fit_ridge(&standardised, Ridge::Value(0.1))?;
/// standardised.restore(&mut fit.weights);
/// assert!(fit.weights[[1, 0]] * 0.001 > 0.9);
/// # Ok::<(), ran_readout::ReadoutError>(())
/// ```
pub struct Standardised<'a> {
    samples: &'a dyn Samples,
    /// Of each feature; 1 where it does not vary.
    deviations: Array1<f64>,
}

impl<'a> Standardised<'a> {
    /// Finds the deviations, in one pass and in f64.
    ///
    /// # Errors
    ///
    /// If a value is not finite, or the samples break a promise about their number or widths.
    pub fn new(samples: &'a dyn Samples) -> Result<Self, ReadoutError> {
        let width = samples.d_features();
        let mut shift: Option<Vec<f64>> = None;
        let (mut sums, mut squares) = (vec![0.0; width], vec![0.0; width]);
        let mut largest = vec![0.0_f64; width];
        pass_in_blocks(samples, &mut |mut block| {
            for (column, largest) in block.features.as_ref().col_iter().zip(&mut largest) {
                *largest = column.iter().fold(*largest, |most, x| most.max(x.abs()));
            }
            // Near the mean of all, so that few digits cancel.
            let shift = shift.get_or_insert_with(|| column_means(block.features.as_ref()));
            subtract(block.features.as_mut(), shift);
            add_columns(block.features.as_ref(), &mut sums);
            for (column, sum) in block.features.as_ref().col_iter().zip(&mut squares) {
                *sum += column.iter().map(|x| x * x).sum::<f64>();
            }
        })?;
        let count = samples.count() as f64;
        let moments = sums.iter().zip(&squares).zip(&largest);
        let deviations = moments.map(|((sum, squares), largest)| {
            let deviation = ((squares - sum * sum / count) / count).max(0.0).sqrt();
            match deviation > (ROUNDING * largest).max(LEAST) {
                true => deviation,
                false => 1.0,
            }
        });
        Ok(Self {
            samples,
            deviations: deviations.collect(),
        })
    }

    /// Turns weights of standardised features into those of the features as they are. A bias is the same for both.
    ///
    /// # Shapes
    ///
    /// - weights: `[d_features, d_output]`
    pub fn restore(&self, weights: &mut Array2<f64>) {
        for (mut weights, deviation) in weights.rows_mut().into_iter().zip(&self.deviations) {
            weights /= *deviation;
        }
    }
}

impl Samples for Standardised<'_> {
    fn count(&self) -> usize {
        self.samples.count()
    }

    fn d_features(&self) -> usize {
        self.samples.d_features()
    }

    fn d_output(&self) -> usize {
        self.samples.d_output()
    }

    fn pass(&self, visit: &mut dyn FnMut(ArrayView2<'_, f32>, ArrayView2<'_, f32>)) {
        self.samples.pass(&mut |features, targets| {
            // In f64, so that a deviation beyond f32 loses nothing.
            let mut features = features.mapv(f64::from);
            features /= &self.deviations;
            visit(features.mapv(|x| x as f32).view(), targets);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InMemory, Link, Ridge, fit_cross_entropy, fit_ridge};
    use approx::assert_relative_eq;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Features in several units, one constant, and one that has all but died out.
    fn drawn(rows: usize) -> (Array2<f32>, Array2<f32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let units = [1.0, 1e-4, 300.0, 1.0];
        let features = Array2::from_shape_fn((rows, 5), |(_, i)| match i {
            3 => 7.1,
            4 => 1e-30 * rng.random_range(-1.0..1.0_f32),
            _ => units[i] * (5.0 + rng.random_range(-1.0..1.0_f32)),
        });
        let targets = Array2::from_shape_fn((rows, 2), |(row, o)| {
            let first = features[[row, 0]] + 1e4 * features[[row, 1]] > 10.0;
            f32::from(first == (o == 0))
        });
        (features, targets)
    }

    #[test]
    fn a_fit_does_not_depend_on_units() {
        for rows in [3, 5_000] {
            let (features, targets) = drawn(rows);
            let fit = |features: &Array2<f32>| {
                let samples = InMemory::new(features.clone(), targets.clone()).unwrap();
                let standardised = Standardised::new(&samples).unwrap();
                let mut fit = fit_ridge(&standardised, Ridge::Auto).unwrap();
                standardised.restore(&mut fit.weights);
                let mut other =
                    fit_cross_entropy(&standardised, Link::Softmax, Ridge::Value(0.1)).unwrap();
                standardised.restore(&mut other.weights);
                let other = features.mapv(f64::from).dot(&other.weights) + &other.bias;
                assert!(fit.weights.iter().all(|weight| weight.abs() < 1e20));
                (fit.predict(features.view()), other)
            };
            // Powers of two lose no digit.
            let scaled = &features * &ndarray::array![1024.0_f32, 1.0, 0.125, 2.0, 1.0];
            let (plain, scaled) = (fit(&features), fit(&scaled));
            for (one, other) in plain.0.iter().zip(&scaled.0) {
                assert_relative_eq!(one, other, epsilon = 1e-4, max_relative = 1e-4);
            }
            for (one, other) in plain.1.iter().zip(&scaled.1) {
                assert_relative_eq!(one, other, epsilon = 1e-3, max_relative = 1e-3);
            }
        }
    }

    #[test]
    fn deviations_are_those_of_the_rows() {
        let (features, targets) = drawn(5_000);
        let samples = InMemory::new(features.clone(), targets).unwrap();
        let standardised = Standardised::new(&samples).unwrap();
        for (i, column) in features.columns().into_iter().enumerate() {
            let column = column.mapv(f64::from);
            let expected = if i >= 3 { 1.0 } else { column.std(0.0) };
            assert_relative_eq!(standardised.deviations[i], expected, max_relative = 1e-9);
        }
        let mut first = None;
        standardised.pass(&mut |rows, _| {
            first.get_or_insert(rows[[0, 2]]);
        });
        let expected = f64::from(features[[0, 2]]) / standardised.deviations[2];
        assert_relative_eq!(f64::from(first.unwrap()), expected, max_relative = 1e-6);
    }
}
