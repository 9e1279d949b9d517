//! The primal form: a Gram matrix of the features, accumulated over blocks of rows.

use super::leave_one_out::{Chosen, LeaveOneOut, Rows};
use super::spectrum::{Spectrum, solve_directly};
use super::{Form, Ridge, RidgeFit};
use crate::dense::{TASKS, product};
use crate::samples::{Block, add_columns, column_means, pass_in_blocks, subtract};
use crate::{ReadoutError, Samples};
use faer::linalg::matmul::{matmul, triangular};
use faer::{Accum, Mat};

/// 1 − hᵢᵢ below this is mostly rounding, as it comes out of a subtraction of scores that were divided by √λ.
const LEAST_KEPT: f64 = 1e-9;

pub(super) fn fit(samples: &dyn Samples, ridge: Ridge) -> Result<RidgeFit, ReadoutError> {
    let Moments {
        gram,
        cross,
        feature_means,
        target_means,
    } = Moments::of(samples)?;
    let means = (feature_means.as_slice(), target_means.as_slice());
    let done = |weights, chosen| Ok(RidgeFit::from_centred(weights, means, Form::Primal, chosen));

    let trace: f64 = (0..gram.nrows()).map(|i| gram[(i, i)]).sum();
    if trace <= 0.0 {
        let lambda = match ridge {
            Ridge::Auto => 0.0,
            Ridge::Value(lambda) => lambda,
        };
        return done(cross * 0.0, Chosen::given(lambda));
    }
    let spectrum = match ridge {
        Ridge::Auto => Spectrum::new(gram.as_ref())?,
        Ridge::Value(lambda) => match solve_directly(gram, lambda, cross.as_ref()) {
            Ok(weights) => return done(weights, Chosen::given(lambda)),
            Err(gram) => Spectrum::new(gram.as_ref())?,
        },
    };
    let coefficients = product(spectrum.vectors.transpose(), cross.as_ref());
    let chosen = match ridge {
        Ridge::Value(lambda) => Chosen::given(lambda),
        Ridge::Auto => {
            let rank = spectrum.values.len().min(samples.count() - 1);
            let candidates = LeaveOneOut::new(trace / rank as f64);
            judge(samples, candidates, &spectrum, &coefficients, means)?
        }
    };
    let kept = spectrum.inverse(chosen.lambda);
    let filtered = Mat::from_fn(coefficients.nrows(), coefficients.ncols(), |j, o| {
        kept[j] * coefficients[(j, o)]
    });
    done(
        product(spectrum.vectors.as_ref(), filtered.as_ref()),
        chosen,
    )
}

/// Makes a second pass for the residuals and leverages of every row.
fn judge(
    samples: &dyn Samples,
    mut candidates: LeaveOneOut,
    spectrum: &Spectrum,
    coefficients: &Mat<f64>,
    (feature_means, target_means): (&[f64], &[f64]),
) -> Result<Chosen, ReadoutError> {
    let filters = candidates.filters(|lambda| spectrum.inverse(lambda));
    // The intercept's share of each leverage.
    let intercept = 1.0 / samples.count() as f64;
    pass_in_blocks(samples, &mut |Block {
                                      mut features,
                                      mut targets,
                                  }| {
        subtract(features.as_mut(), feature_means);
        subtract(targets.as_mut(), target_means);
        let scores = product(features.as_ref(), spectrum.vectors.as_ref());
        let rows = Rows {
            scores: scores.as_ref(),
            coefficients: coefficients.as_ref(),
            filters: filters.as_ref(),
        };
        candidates.add(
            &rows,
            |row, o, projected| targets[(row, o)] - projected,
            |leverage| Some(1.0 - intercept - leverage).filter(|&kept| kept > LEAST_KEPT),
        );
    })?;
    Ok(candidates.choose())
}

/// Means and centred second moments of the rows, from one pass.
struct Moments {
    /// Σ(x − mean)(x − mean)ᵀ, `[d_features, d_features]`, only its lower triangle.
    gram: Mat<f64>,
    /// Σ(x − mean)(y − mean)ᵀ, `[d_features, d_output]`.
    cross: Mat<f64>,
    feature_means: Vec<f64>,
    target_means: Vec<f64>,
}

impl Moments {
    /// Rows are shifted by the means of the first block, which are near the means of all, so that the correction at
    /// the end cancels few digits (Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance").
    fn of(samples: &dyn Samples) -> Result<Self, ReadoutError> {
        let (d_features, d_output) = (samples.d_features(), samples.d_output());
        let mut gram = Mat::zeros(d_features, d_features);
        let mut cross = Mat::zeros(d_features, d_output);
        let mut shifts: Option<(Vec<f64>, Vec<f64>)> = None;
        let mut feature_sums = vec![0.0; d_features];
        let mut target_sums = vec![0.0; d_output];
        pass_in_blocks(samples, &mut |Block {
                                          mut features,
                                          mut targets,
                                      }| {
            let (feature_shift, target_shift) = shifts.get_or_insert_with(|| {
                (
                    column_means(features.as_ref()),
                    column_means(targets.as_ref()),
                )
            });
            subtract(features.as_mut(), feature_shift);
            subtract(targets.as_mut(), target_shift);
            add_columns(features.as_ref(), &mut feature_sums);
            add_columns(targets.as_ref(), &mut target_sums);
            triangular::matmul(
                &mut gram,
                triangular::BlockStructure::TriangularLower,
                Accum::Add,
                features.as_ref().transpose(),
                triangular::BlockStructure::Rectangular,
                features.as_ref(),
                triangular::BlockStructure::Rectangular,
                1.0,
                TASKS,
            );
            matmul(
                &mut cross,
                Accum::Add,
                features.as_ref().transpose(),
                targets.as_ref(),
                1.0,
                TASKS,
            );
        })?;
        let (feature_shift, target_shift) = shifts.unwrap_or_default();
        let count = samples.count() as f64;
        for j in 0..d_features {
            for i in j..d_features {
                gram[(i, j)] -= feature_sums[i] * feature_sums[j] / count;
            }
        }
        for o in 0..d_output {
            for i in 0..d_features {
                cross[(i, o)] -= feature_sums[i] * target_sums[o] / count;
            }
        }
        Ok(Moments {
            gram,
            cross,
            feature_means: means(&feature_shift, &feature_sums, count),
            target_means: means(&target_shift, &target_sums, count),
        })
    }
}

fn means(shift: &[f64], sums: &[f64], count: f64) -> Vec<f64> {
    shift
        .iter()
        .zip(sums)
        .map(|(shift, sum)| shift + sum / count)
        .collect()
}
