//! What training by gradient minimises, and the probabilities that it makes of outputs.

use burn::tensor::{Tensor, TensorData, backend::Backend};
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1};
use ran_readout::{Link, binary_cross_entropy, softmax_cross_entropy};
use ran_tasks::Category;
use rayon::prelude::*;

/// Rows of a loss that are worth a thread.
const ROWS: usize = 64;

/// A loss of the outputs of a linear readout, and its gradient with respect to them.
///
/// It is computed on the host in 64 bits, and the gradient from outputs and targets directly: burn's backward pass through
/// `log` takes reciprocals, which burn-ndarray approximates with 12 to 14 bits where the processor does.
pub(crate) struct Loss {
    /// A mean over rows, each a scored step.
    pub(crate) value: f64,
    /// `[rows, d_output]`.
    pub(crate) gradient: Array2<f32>,
}

impl Loss {
    /// The loss of outputs o for targets y.
    ///
    /// - classification: cross-entropy with the softmax of the outputs, −Σ y·log softmax(o); its gradient is
    ///   softmax(o)·Σy − y. With label smoothing ε over O classes, y becomes (1 − ε)·y + ε/O (Szegedy et al. 2016, §7).
    /// - several labels: binary cross-entropy with the logistic function σ of each output, a mean over labels too; its
    ///   gradient is σ(o) − y.
    /// - regression: squared error, a mean over outputs too; its gradient is 2·(o − y).
    ///
    /// # Shapes
    ///
    /// - outputs, targets: `[rows, d_output]`
    ///
    /// # Panics
    ///
    /// If the shapes differ.
    pub(crate) fn of(
        category: Category,
        label_smoothing: f64,
        outputs: ArrayView2<'_, f32>,
        targets: ArrayView2<'_, f32>,
    ) -> Self {
        let (rows, d_output) = outputs.dim();
        let (kept, spread) = (1.0 - label_smoothing, label_smoothing / d_output as f64);
        let count = match category {
            Category::Classification => rows,
            Category::MultiLabel | Category::Regression => rows * d_output,
        };
        let share = 1.0 / count as f64;
        let smooth = |y| kept * f64::from(y) + spread;
        let squared = |o: f64, y: f64| [(o - y).powi(2), 2.0 * (o - y)];
        let mut gradient = Array2::zeros((rows, d_output));
        let mut rows: Vec<_> = gradient
            .rows_mut()
            .into_iter()
            .zip(outputs.rows())
            .zip(targets.rows())
            .collect();
        // A row's loss does not depend on who computes it, and they are summed in their order.
        let losses: Vec<f64> = rows
            .par_iter_mut()
            .with_min_len(ROWS)
            .map_init(
                <[Vec<f64>; 2]>::default,
                |room, ((into, outputs), targets)| match category {
                    Category::Classification => {
                        cross_entropy(into, outputs.view(), targets.view(), smooth, share, room)
                    }
                    Category::MultiLabel => each(
                        into,
                        outputs.view(),
                        targets.view(),
                        share,
                        binary_cross_entropy,
                    ),
                    Category::Regression => {
                        each(into, outputs.view(), targets.view(), share, squared)
                    }
                },
            )
            .collect();
        Self {
            value: losses.iter().sum::<f64>() * share,
            gradient,
        }
    }

    /// A number whose gradient with respect to the outputs is the loss's; its own value means nothing.
    ///
    /// # Shapes
    ///
    /// - outputs: `[rows, d_output]`, those that the loss was computed of
    /// - output: `[1]`
    pub(crate) fn behind<B: Backend>(&self, outputs: Tensor<B, 2>) -> Tensor<B, 1> {
        let (rows, d_output) = self.gradient.dim();
        let numbers = self.gradient.iter().copied().collect::<Vec<f32>>();
        let gradient = TensorData::new(numbers, [rows, d_output]);
        let gradient = Tensor::from_data(gradient, &outputs.device());
        (outputs * gradient).sum()
    }
}

/// The cross-entropy of a row; its gradient times `share` goes to `into`. There is room for the row's outputs and targets.
fn cross_entropy(
    into: &mut ArrayViewMut1<'_, f32>,
    outputs: ArrayView1<'_, f32>,
    targets: ArrayView1<'_, f32>,
    smooth: impl Fn(f32) -> f64,
    share: f64,
    [slopes, smoothed]: &mut [Vec<f64>; 2],
) -> f64 {
    slopes.clear();
    slopes.extend(outputs.iter().map(|&o| f64::from(o)));
    smoothed.clear();
    smoothed.extend(targets.iter().map(|&y| smooth(y)));
    let loss = softmax_cross_entropy(slopes, smoothed);
    for (into, slope) in into.iter_mut().zip(slopes) {
        *into = (*slope * share) as f32;
    }
    loss
}

/// The sum of a loss of each output alone over a row; the gradient times `share` goes to `into`.
fn each(
    into: &mut ArrayViewMut1<'_, f32>,
    outputs: ArrayView1<'_, f32>,
    targets: ArrayView1<'_, f32>,
    share: f64,
    one: impl Fn(f64, f64) -> [f64; 2],
) -> f64 {
    let mut loss = 0.0;
    for ((into, &o), &y) in into.iter_mut().zip(outputs).zip(targets) {
        let [value, slope] = one(f64::from(o), f64::from(y));
        loss += value;
        *into = (slope * share) as f32;
    }
    loss
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
    use std::sync::{Mutex, MutexGuard};

    use super::*;
    use burn::backend::Autodiff;
    use burn::tensor::Distribution;
    use burn_ndarray::NdArray;
    use ndarray::{Array1, Axis, aview2};
    use ran_readout::{Features, LinearReadoutConfig};

    type B = Autodiff<NdArray<f32>>;

    /// burn 0.21 loses gradients when several threads run the backward passes of graphs of their own at once.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ONE_AT_A_TIME
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The loss, and its gradient with respect to the outputs as a graph gets it.
    fn of(
        category: Category,
        smoothing: f64,
        outputs: [[f32; 2]; 2],
        targets: [[f32; 2]; 2],
    ) -> (f64, Vec<f32>) {
        let (on_host, targets) = (aview2(&outputs), aview2(&targets));
        let loss = Loss::of(category, smoothing, on_host, targets);
        let _alone = alone();
        let outputs = Tensor::<B, 2>::from_data(outputs, &Default::default()).require_grad();
        let gradients = loss.behind(outputs.clone()).backward();
        let gradient = outputs.grad(&gradients).unwrap().into_data();
        (loss.value, gradient.into_vec().unwrap())
    }

    #[test]
    fn losses_and_their_gradients_equal_values_worked_by_hand() {
        let ln3 = 3.0_f32.ln();
        let ln = |x: f64| x.ln();
        let outputs = [[ln3, 0.0], [0.0, 0.0]];
        let targets = [[1.0, 0.0], [0.0, 1.0]];
        let (third, quarter) = (4.0 / 3.0, 0.25);
        let table = [
            // −log ¾ and −log ½; softmax minus target, over two rows.
            (
                Category::Classification,
                0.0,
                (ln(third) + ln(2.0)) / 2.0,
                [-quarter / 2.0, quarter / 2.0, quarter, -quarter],
            ),
            // ε = 0.2 over two classes: the target 1 becomes 0.9, so −0.9·log ¾ − 0.1·log ¼ in the first row.
            (
                Category::Classification,
                0.2,
                (0.9 * ln(third) + 0.1 * ln(4.0) + ln(2.0)) / 2.0,
                [-0.075, 0.075, 0.2, -0.2],
            ),
            // −log ¾ once and −log ½ three times; (σ − y)/4.
            (
                Category::MultiLabel,
                0.0,
                (ln(third) + 3.0 * ln(2.0)) / 4.0,
                [-0.0625, 0.125, 0.125, -0.125],
            ),
            // ((ln 3 − 1)² + 1)/4; (o − y)·2/4.
            (
                Category::Regression,
                0.0,
                ((ln(3.0) - 1.0).powi(2) + 1.0) / 4.0,
                [(ln3 - 1.0) / 2.0, 0.0, 0.0, -0.5],
            ),
        ];
        for (category, smoothing, expected, gradient) in table {
            let (value, slopes) = of(category, smoothing, outputs, targets);
            assert!((value - expected).abs() < 1e-7, "{category:?}: {value}");
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

    /// Gradients of the losses with respect to outputs in 64 bits, by their definitions: −Σ y·(log softmax)' with the
    /// Jacobian of the softmax written out, and the chain rule through −log of the logistic function.
    fn slopes(
        category: Category,
        smoothing: f64,
        outputs: &Array2<f64>,
        targets: &Array2<f64>,
    ) -> Array2<f64> {
        let (rows, width) = outputs.dim();
        Array2::from_shape_fn((rows, width), |(row, at)| {
            let (o, y) = (outputs.row(row), targets.row(row));
            match category {
                Category::Classification => {
                    let p =
                        |of: usize| 1.0 / o.iter().map(|other| (other - o[of]).exp()).sum::<f64>();
                    let parts = (0..width).map(|k| {
                        let y = y[k] * (1.0 - smoothing) + smoothing / width as f64;
                        let same = if k == at { 1.0 } else { 0.0 };
                        -y * (same - p(at))
                    });
                    parts.sum::<f64>() / rows as f64
                }
                Category::MultiLabel => {
                    let (o, y) = (o[at], y[at]);
                    let of_one = -1.0 / (1.0 + o.exp());
                    let of_none = 1.0 / (1.0 + (-o).exp());
                    (y * of_one + (1.0 - y) * of_none) / (rows * width) as f64
                }
                Category::Regression => 2.0 * (o[at] - y[at]) / (rows * width) as f64,
            }
        })
    }

    /// |got − expected| / |expected|, over all numbers together.
    fn distance<'a>(
        got: impl IntoIterator<Item = f32>,
        expected: impl IntoIterator<Item = &'a f64>,
    ) -> f64 {
        let (mut apart, mut size) = (0.0, 0.0);
        for (got, expected) in got.into_iter().zip(expected) {
            apart += (f64::from(got) - expected).powi(2);
            size += expected.powi(2);
        }
        (apart / size).sqrt()
    }

    #[test]
    fn gradients_of_a_readout_equal_those_in_64_bits_to_a_millionth() {
        let _alone = alone();
        let device = Default::default();
        // One draw in a hundred makes terms that nearly cancel, whose sum has lost more than the last bits.
        B::seed(&device, 7);
        let scored = [vec![1, 4, 6], vec![5], vec![0, 3]];
        let (d_state, classes) = (6, 5);
        for features in [Features::Last, Features::MeanAndLast, Features::EveryStep] {
            for scale in [0.1, 1.0, 30.0] {
                for (category, smoothing) in [
                    (Category::Classification, 0.0),
                    (Category::Classification, 0.1),
                    (Category::MultiLabel, 0.0),
                    (Category::Regression, 0.0),
                ] {
                    let spread = Distribution::Normal(0.0, scale);
                    let states = Tensor::<B, 3>::random([3, 7, d_state], spread, &device);
                    let width = features.width(d_state);
                    let readout = LinearReadoutConfig::new(width, classes).init::<B>(3, &device);
                    let rows = features.gather(states, &scored);
                    let seen = rows.clone().into_data().convert::<f64>();
                    let outputs = readout.forward(rows);
                    let count = outputs.dims()[0];
                    let numbers = outputs.clone().into_data().to_vec::<f32>().unwrap();
                    let on_host = Array2::from_shape_vec((count, classes), numbers).unwrap();
                    let targets = Array2::from_shape_fn((count, classes), |(row, at)| {
                        let label = category == Category::MultiLabel && at == 0;
                        f32::from(u8::from(label || (row * 3 + 1) % classes == at))
                    });
                    let loss = Loss::of(category, smoothing, on_host.view(), targets.view());
                    let gradients = loss.behind(outputs).backward();
                    let grad = |tensor: Option<_>| -> Vec<f32> {
                        let data: TensorData = tensor.expect("the readout is trained");
                        data.into_vec().unwrap()
                    };
                    let of_weight = grad(readout.weight.grad(&gradients).map(Tensor::into_data));
                    let of_bias = grad(readout.bias.grad(&gradients).map(Tensor::into_data));

                    let (on_host, targets) = (on_host.mapv(f64::from), targets.mapv(f64::from));
                    let slopes = slopes(category, smoothing, &on_host, &targets);
                    let seen = Array2::from_shape_vec((count, width), seen.into_vec().unwrap());
                    let weight = seen.unwrap().t().dot(&slopes);
                    let bias: Array1<f64> = slopes.sum_axis(Axis(0));
                    let case =
                        format!("{category:?}, smoothing {smoothing}, {features:?}, {scale}");
                    for off in [distance(of_weight, &weight), distance(of_bias, &bias)] {
                        assert!(off < 1e-6, "{case}: {off}");
                    }
                    let off = distance(loss.gradient.iter().copied(), &slopes);
                    assert!(off < 1e-7, "{case}: {off}");
                }
            }
        }
    }
}
