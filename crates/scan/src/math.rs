//! Elementary functions of vectors, accurate to a few units in the last place.
//!
//! The polynomials are least-maximum fits of our own; each says its interval and error.

use pulp::Simd;

/// A function of vectors. Not a closure, as those are not inlined for sure, and then not compiled for the vectors.
pub trait Function: Copy {
    /// The value.
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s;
}

/// [`exp`].
#[derive(Clone, Copy, Debug)]
pub struct Exp;

impl Function for Exp {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        exp(simd, x)
    }
}

/// [`tanh`].
#[derive(Clone, Copy, Debug)]
pub struct Tanh;

impl Function for Tanh {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        tanh(simd, x)
    }
}

/// max(x, 0).
#[inline(always)]
pub fn relu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    simd.max_f32s(x, simd.splat_f32s(0.0))
}

/// exp(x), with x clamped to −87.3..=88: at least 1.2e-38, so never zero, and at most 1.7e38, so never infinite.
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let x = simd.max_f32s(
        simd.min_f32s(x, simd.splat_f32s(88.0)),
        simd.splat_f32s(-87.3),
    );
    // Adding 1.5·2^23 leaves round(x/ln 2) in the low bits of the significand.
    let shifter = simd.splat_f32s(12_582_912.0);
    let shifted = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), shifter);
    let whole = simd.sub_f32s(shifted, shifter);
    // ln 2 in two parts, the first of few bits, so that x − whole·ln 2 loses nothing.
    let rest = simd.mul_add_e_f32s(whole, simd.splat_f32s(-0.693_359_4), x);
    let rest = simd.mul_add_e_f32s(whole, simd.splat_f32s(2.121_944_4e-4), rest);
    // exp on ±0.3467, relative error 2e-9.
    let series = horner(
        simd,
        rest,
        [
            1.383_680_4e-3,
            8.374_846e-3,
            4.166_823e-2,
            1.666_642e-1,
            4.999_999e-1,
            1.0,
            1.0,
        ],
    );
    let exponent =
        simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(series), exponent))
}

/// tanh(x).
#[inline(always)]
pub fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let size = simd.abs_f32s(x);
    // (tanh(x) − x)/x³ in x² on |x| < 0.625, relative error of tanh 4e-9.
    let square = simd.mul_f32s(x, x);
    let series = horner(
        simd,
        square,
        [
            -5.704_978_5e-3,
            2.063_908e-2,
            -5.373_971e-2,
            1.333_144_2e-1,
            -3.333_328e-1,
        ],
    );
    let near = simd.mul_add_e_f32s(simd.mul_f32s(series, square), x, x);
    let grown = exp(simd, simd.add_f32s(size, size));
    let one = simd.splat_f32s(1.0);
    let far = simd.sub_f32s(
        one,
        simd.div_f32s(simd.splat_f32s(2.0), simd.add_f32s(grown, one)),
    );
    let sign = simd.splat_f32s(-0.0);
    let far = simd.or_f32s(far, simd.and_f32s(x, sign));
    simd.select_f32s(simd.less_than_f32s(size, simd.splat_f32s(0.625)), near, far)
}

/// The normal distribution: Φ(x) = (1 + erf(x/√2))/2 and its density φ(x), in this order.
#[inline(always)]
pub fn normal<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
    let one = simd.splat_f32s(1.0);
    let size = simd.mul_f32s(
        simd.abs_f32s(x),
        simd.splat_f32s(std::f32::consts::FRAC_1_SQRT_2),
    );
    let bell = exp(
        simd,
        simd.mul_f32s(simd.mul_f32s(x, x), simd.splat_f32s(-0.5)),
    );
    let t = simd.div_f32s(one, simd.mul_add_e_f32s(size, simd.splat_f32s(0.4), one));
    // erfc(y)·exp(y²)/t in t = 1/(1 + 0.4·y) on 0 ≤ y ≤ 10, relative error 1e-7.
    let series = horner(
        simd,
        t,
        [
            3.980_453_3e-2,
            -1.338_645_4e-1,
            7.196_275e-2,
            1.001_088_5e-1,
            7.254_863e-2,
            1.959_369e-1,
            2.013_751_1e-1,
            2.264_955_3e-1,
            2.256_322_7e-1,
        ],
    );
    let tail = simd.mul_f32s(
        simd.splat_f32s(0.5),
        simd.mul_f32s(bell, simd.mul_f32s(series, t)),
    );
    let upper = simd.sub_f32s(one, tail);
    let below = simd.select_f32s(simd.less_than_f32s(x, simd.splat_f32s(0.0)), tail, upper);
    let density = simd.mul_f32s(bell, simd.splat_f32s(0.398_942_3));
    (below, density)
}

/// A polynomial, the coefficient of the highest power first.
#[inline(always)]
fn horner<S: Simd, const N: usize>(simd: S, x: S::f32s, coefficients: [f32; N]) -> S::f32s {
    let mut sum = simd.splat_f32s(coefficients[0]);
    for &coefficient in &coefficients[1..] {
        sum = simd.mul_add_e_f32s(sum, x, simd.splat_f32s(coefficient));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Arch, Lanes, WithLanes};

    struct Apply<'a>(&'static str, &'a [f32], &'a mut [f32]);

    impl WithLanes for Apply<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Lanes>(self, simd: S) {
            let arguments = S::as_simd_f32s(self.1).0;
            let values = S::as_mut_simd_f32s(self.2).0;
            for (value, &x) in values.iter_mut().zip(arguments) {
                *value = match self.0 {
                    "exp" => exp(simd, x),
                    "tanh" => tanh(simd, x),
                    "below" => normal(simd, x).0,
                    _ => normal(simd, x).1,
                };
            }
        }
    }

    fn worst(name: &'static str, span: f32, exact: impl Fn(f64) -> f64) -> f64 {
        let steps = 16 * 4000;
        let arguments: Vec<f32> = (0..steps)
            .map(|i| span * (2.0 * i as f32 / steps as f32 - 1.0))
            .collect();
        let mut worst = 0.0f64;
        for arch in Arch::available() {
            let mut values = vec![0.0; arguments.len()];
            arch.run(Apply(name, &arguments, &mut values));
            for (&x, &value) in arguments.iter().zip(&values) {
                let expected = exact(f64::from(x));
                if expected != 0.0 {
                    worst = worst.max(((f64::from(value) - expected) / expected).abs());
                }
            }
        }
        worst
    }

    /// erfc by its continued fraction or its series, in double precision.
    fn erfc(y: f64) -> f64 {
        if y < 2.5 {
            let (mut term, mut sum) = (y, y);
            for n in 1..200 {
                term *= -y * y / f64::from(n);
                sum += term / f64::from(2 * n + 1);
            }
            return 1.0 - sum * 2.0 / std::f64::consts::PI.sqrt();
        }
        let mut fraction = y;
        for n in (1..200).rev() {
            fraction = y + f64::from(n) / 2.0 / fraction;
        }
        (-y * y).exp() / fraction / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn functions_are_accurate_to_a_millionth_on_every_instruction_set() {
        assert!(worst("exp", 87.0, f64::exp) < 1e-6);
        assert!(worst("tanh", 12.0, f64::tanh) < 1e-6);
        assert!(worst("below", 5.0, |x| erfc(-x / 2f64.sqrt()) / 2.0) < 3e-6);
        let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        assert!(worst("density", 5.0, density) < 3e-6);
    }
}
