//! Means and second moments of rows, which the fits begin with.

use faer::linalg::matmul::{matmul, triangular};
use faer::{Accum, Mat};

use crate::dense::TASKS;
use crate::samples::{Block, add_columns, column_means, pass_in_blocks, subtract};
use crate::{ReadoutError, Samples};

/// Means and centred second moments of the rows, from one pass.
pub(crate) struct Moments {
    /// Σ(x − mean)(x − mean)ᵀ, `[d_features, d_features]`, only its lower triangle.
    pub(crate) gram: Mat<f64>,
    /// Σ(x − mean)(y − mean)ᵀ, `[d_features, d_output]`.
    pub(crate) cross: Mat<f64>,
    pub(crate) feature_means: Vec<f64>,
    pub(crate) target_means: Vec<f64>,
}

impl Moments {
    /// Rows are shifted by the means of the first block, which are near the means of all, so that the correction at
    /// the end cancels few digits (Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance").
    pub(crate) fn of(samples: &dyn Samples) -> Result<Self, ReadoutError> {
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
