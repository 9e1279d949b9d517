//! Mean and deviation of a few scores.

/// The mean.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The deviation of a sample, with n − 1 below the fraction; 0 for one value.
fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (squares.sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

/// The mean of a few scores, and the deviation of a sample; 0 for one value.
#[must_use]
pub fn mean_and_deviation(values: &[f64]) -> [f64; 2] {
    [mean(values), deviation(values)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_a_sample() {
        // By hand: mean 3, squares 4 + 0 + 4 = 8, over 2 is 4.
        assert_eq!(
            (mean(&[1.0, 3.0, 5.0]), deviation(&[1.0, 3.0, 5.0])),
            (3.0, 2.0)
        );
        assert_eq!((mean(&[0.5]), deviation(&[0.5])), (0.5, 0.0));
    }
}
