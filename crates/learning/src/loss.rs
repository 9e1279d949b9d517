//! What training by gradient minimises, and the probabilities that it makes of outputs.

use burn::tensor::activation::{log_sigmoid, log_softmax};
use burn::tensor::{Tensor, backend::Backend};
use ran_readout::Link;
use ran_tasks::Category;

/// The loss of the outputs of a linear readout: a mean over rows, each a scored step.
///
/// - classification: cross-entropy with the softmax of the outputs, −Σ y·log softmax(o). With label smoothing ε over O
///   classes, y becomes (1 − ε)·y + ε/O (Szegedy et al. 2016, §7).
/// - several labels: binary cross-entropy with the logistic function of each output, a mean over labels too.
/// - regression: squared error, a mean over outputs too.
///
/// # Shapes
///
/// - outputs, targets: `[rows, d_output]`
/// - output: `[1]`
pub(crate) fn loss<B: Backend>(
    category: Category,
    label_smoothing: f64,
    outputs: Tensor<B, 2>,
    targets: Tensor<B, 2>,
) -> Tensor<B, 1> {
    match category {
        Category::Classification => {
            let [rows, classes] = targets.dims();
            let targets = if label_smoothing > 0.0 {
                targets * (1.0 - label_smoothing) + label_smoothing / classes as f64
            } else {
                targets
            };
            (log_softmax(outputs, 1) * targets).sum() / -(rows as f64)
        }
        Category::MultiLabel => {
            // −y·log σ(o) − (1 − y)·log(1 − σ(o)), as log(1 − σ(o)) is log σ(o) − o: nothing overflows.
            let log_likely = log_sigmoid(outputs.clone());
            (outputs * (targets.neg() + 1.0) - log_likely).mean()
        }
        Category::Regression => (outputs - targets).powi_scalar(2).mean(),
    }
}

/// From logits to probabilities.
pub(crate) fn link(category: Category) -> Link {
    match category {
        Category::Classification => Link::Softmax,
        Category::MultiLabel => Link::Logistic,
        Category::Regression => Link::Identity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Autodiff;
    use burn_ndarray::NdArray;

    type B = Autodiff<NdArray<f32>>;

    /// The loss, and its gradient with respect to the outputs.
    fn of(
        category: Category,
        smoothing: f64,
        outputs: [[f32; 2]; 2],
        targets: [[f32; 2]; 2],
    ) -> (f32, Vec<f32>) {
        let device = Default::default();
        let outputs = Tensor::<B, 2>::from_data(outputs, &device).require_grad();
        let targets = Tensor::from_data(targets, &device);
        let value = loss(category, smoothing, outputs.clone(), targets);
        let gradients = value.backward();
        let gradient = outputs.grad(&gradients).unwrap().into_data();
        (value.into_scalar(), gradient.into_vec().unwrap())
    }

    #[test]
    fn losses_and_their_gradients_equal_values_worked_by_hand() {
        let ln3 = 3.0_f32.ln();
        let outputs = [[ln3, 0.0], [0.0, 0.0]];
        let targets = [[1.0, 0.0], [0.0, 1.0]];
        let (third, quarter) = (4.0_f32 / 3.0, 0.25);
        let table = [
            // −log ¾ and −log ½; softmax minus target, over two rows.
            (
                Category::Classification,
                0.0,
                (third.ln() + 2.0_f32.ln()) / 2.0,
                [-quarter / 2.0, quarter / 2.0, quarter, -quarter],
            ),
            // ε = 0.2 over two classes: the target 1 becomes 0.9, so −0.9·log ¾ − 0.1·log ¼ in the first row.
            (
                Category::Classification,
                0.2,
                (0.9 * third.ln() + 0.1 * 4.0_f32.ln() + 2.0_f32.ln()) / 2.0,
                [-0.075, 0.075, 0.2, -0.2],
            ),
            // −log ¾ once and −log ½ three times; (σ − y)/4.
            (
                Category::MultiLabel,
                0.0,
                (third.ln() + 3.0 * 2.0_f32.ln()) / 4.0,
                [-0.0625, 0.125, 0.125, -0.125],
            ),
            // ((ln 3 − 1)² + 1)/4; (o − y)·2/4.
            (
                Category::Regression,
                0.0,
                ((ln3 - 1.0).powi(2) + 1.0) / 4.0,
                [(ln3 - 1.0) / 2.0, 0.0, 0.0, -0.5],
            ),
        ];
        for (category, smoothing, expected, gradient) in table {
            let (value, slopes) = of(category, smoothing, outputs, targets);
            assert!((value - expected).abs() < 1e-6, "{category:?}: {value}");
            for (got, expected) in slopes.iter().zip(gradient) {
                assert!((got - expected).abs() < 1e-6, "{category:?}: {slopes:?}");
            }
        }
    }

    #[test]
    fn large_outputs_overflow_nothing() {
        let outputs = [[200.0, -200.0], [-200.0, 200.0]];
        for category in [Category::Classification, Category::MultiLabel] {
            let (value, slopes) = of(category, 0.0, outputs, [[1.0, 0.0], [1.0, 0.0]]);
            assert!(value.is_finite() && value > 99.0, "{category:?}: {value}");
            assert!(slopes.iter().all(|slope| slope.is_finite()), "{slopes:?}");
        }
    }
}
