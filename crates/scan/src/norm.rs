//! Layer normalisation of rows (Ba, Kiros & Hinton 2016), and its backward pass: equation 4 of docs/model.md#units.

use crate::arch::Lanes;
use crate::matvec::dot;

/// ε: what is added to the variance before the root, as in Ba, Kiros & Hinton (2016) and its usual implementations.
pub const EPSILON: f64 = 1e-5;

/// gain ⊙ x̂ + bias of the normalised rows x̂, in place, keeping what [`layer_norm_back`] needs.
///
/// # Shapes
///
/// - gain, bias: `[width]`
/// - x: `[rows, width]` vectors
/// - normalised: as x, set to x̂
/// - scales: `[rows]` vectors, as in [`normalise`]
#[inline(always)]
pub fn layer_norm<S: Lanes>(
    simd: S,
    (gain, bias): (&[f32], &[f32]),
    x: &mut [S::f32s],
    normalised: &mut [S::f32s],
    scales: &mut [S::f32s],
) {
    normalise(simd, gain.len(), x, scales);
    normalised.copy_from_slice(x);
    affine(simd, gain, bias, x);
}

/// Turns the gradient of what [`layer_norm`] gives into that of x, in place.
///
/// `sums` has the gradients of the gain and of the bias, lane by lane, to be added to; they are empty when they
/// are not wanted.
#[inline(always)]
pub fn layer_norm_back<S: Lanes>(
    simd: S,
    gain: &[f32],
    normalised: &[S::f32s],
    scales: &[S::f32s],
    gradient: &mut [S::f32s],
    sums: (&mut [S::f32s], &mut [S::f32s]),
) {
    affine_back(simd, gain, normalised, gradient, sums);
    normalise_back(simd, gain.len(), normalised, scales, gradient);
}

/// Centres every row and divides it by its deviation: (x − mean)/√(var + ε), in place.
///
/// # Shapes
///
/// - x: `[rows, width]` vectors
/// - scales: `[rows]` vectors, set to 1/√(var + ε)
#[inline(always)]
pub fn normalise<S: Lanes>(simd: S, width: usize, x: &mut [S::f32s], scales: &mut [S::f32s]) {
    let share = simd.splat_f32s(1.0 / width as f32);
    for (row, scale) in x.chunks_exact_mut(width).zip(scales) {
        let zero = simd.splat_f32s(0.0);
        let mut sum = zero;
        for &x in row.iter() {
            sum = simd.add_f32s(sum, x);
        }
        let mean = simd.mul_f32s(sum, share);
        let mut squares = zero;
        for x in row.iter_mut() {
            *x = simd.sub_f32s(*x, mean);
            squares = simd.mul_add_e_f32s(*x, *x, squares);
        }
        let variance = simd.mul_add_e_f32s(squares, share, simd.splat_f32s(EPSILON as f32));
        *scale = simd.div_f32s(simd.splat_f32s(1.0), simd.sqrt_f32s(variance));
        for x in row {
            *x = simd.mul_f32s(*x, *scale);
        }
    }
}

/// Turns the gradient of normalised rows into that of the rows, in place.
#[inline(always)]
pub fn normalise_back<S: Lanes>(
    simd: S,
    width: usize,
    normalised: &[S::f32s],
    scales: &[S::f32s],
    gradient: &mut [S::f32s],
) {
    let share = simd.splat_f32s(-1.0 / width as f32);
    let rows = normalised.chunks_exact(width).zip(scales);
    for ((row, &scale), gradient) in rows.zip(gradient.chunks_exact_mut(width)) {
        let (mut sum, mut along) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
        for (&x, &g) in row.iter().zip(gradient.iter()) {
            sum = simd.add_f32s(sum, g);
            along = simd.mul_add_e_f32s(x, g, along);
        }
        let (sum, along) = (simd.mul_f32s(sum, share), simd.mul_f32s(along, share));
        for (&x, g) in row.iter().zip(gradient) {
            let centred = simd.mul_add_e_f32s(x, along, simd.add_f32s(*g, sum));
            *g = simd.mul_f32s(centred, scale);
        }
    }
}

/// y = gain ⊙ x + bias, in place.
#[inline(always)]
fn affine<S: Lanes>(simd: S, gain: &[f32], bias: &[f32], x: &mut [S::f32s]) {
    for row in x.chunks_exact_mut(gain.len()) {
        for ((x, &gain), &bias) in row.iter_mut().zip(gain).zip(bias) {
            *x = simd.mul_add_e_f32s(simd.splat_f32s(gain), *x, simd.splat_f32s(bias));
        }
    }
}

/// Turns the gradient of gain ⊙ x + bias into that of x, in place.
///
/// `sums` are as in [`layer_norm_back`].
#[inline(always)]
fn affine_back<S: Lanes>(
    simd: S,
    gain: &[f32],
    x: &[S::f32s],
    gradient: &mut [S::f32s],
    (gain_sums, bias_sums): (&mut [S::f32s], &mut [S::f32s]),
) {
    let width = gain.len();
    for (row, gradient) in x.chunks_exact(width).zip(gradient.chunks_exact_mut(width)) {
        if !gain_sums.is_empty() {
            for d in 0..width {
                gain_sums[d] = simd.mul_add_e_f32s(row[d], gradient[d], gain_sums[d]);
                bias_sums[d] = simd.add_f32s(bias_sums[d], gradient[d]);
            }
        }
        for (gradient, &gain) in gradient.iter_mut().zip(gain) {
            *gradient = simd.mul_f32s(*gradient, simd.splat_f32s(gain));
        }
    }
}

/// Layer normalisation of one row of a single sequence, in place: (x − mean)/√(var + ε).
#[inline(always)]
pub fn normalise_single<S: Lanes>(simd: S, row: &mut [f32]) {
    let share = 1.0 / row.len() as f32;
    let mean = row.iter().sum::<f32>() * share;
    row.iter_mut().for_each(|x| *x -= mean);
    let variance = dot(simd, row, row) * share;
    let scale = 1.0 / (variance + EPSILON as f32).sqrt();
    row.iter_mut().for_each(|x| *x *= scale);
}

/// As [`layer_norm`] for a single sequence, keeping nothing.
///
/// # Shapes
///
/// - gain, bias: `[width]`
/// - x: `[rows, width]`
#[inline(always)]
pub fn layer_norm_single<S: Lanes>(simd: S, (gain, bias): (&[f32], &[f32]), x: &mut [f32]) {
    for row in x.chunks_exact_mut(gain.len()) {
        normalise_single(simd, row);
        for ((x, gain), bias) in row.iter_mut().zip(gain).zip(bias) {
            *x = *x * gain + bias;
        }
    }
}
