//! The primal form: a Gram matrix of the features, accumulated over blocks of rows.

use super::leave_one_out::{Chosen, LeaveOneOut, Rows};
use super::spectrum::{Spectrum, solve_directly};
use super::{Form, Ridge, RidgeFit};
use crate::dense::{product, trace};
use crate::moments::Moments;
use crate::samples::{Block, pass_in_blocks, subtract};
use crate::{ReadoutError, Samples};
use faer::Mat;

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

    let trace = trace(gram.as_ref());
    if trace <= 0.0 {
        let lambda = ridge.given().unwrap_or(0.0);
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
    done(spectrum.solve(chosen.lambda, &coefficients), chosen)
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
