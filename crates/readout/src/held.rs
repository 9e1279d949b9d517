//! Rows that are held in memory, for fits on no more rows than features.

use faer::linalg::matmul::{matmul, triangular};
use faer::{Accum, Mat, MatRef};

use crate::dense::TASKS;
use crate::samples::{Block, add_columns, pass_in_blocks};
use crate::{ReadoutError, Samples};

/// All rows as they came.
pub(crate) struct Held {
    /// `[rows, d_features]`, row by row.
    features: Vec<f32>,
    /// `[rows, d_output]`
    pub(crate) targets: Mat<f64>,
    pub(crate) feature_means: Vec<f64>,
    pub(crate) target_means: Vec<f64>,
}

impl Held {
    pub(crate) fn of(samples: &dyn Samples) -> Result<Self, ReadoutError> {
        let count = samples.count();
        let mut features = Vec::with_capacity(count * samples.d_features());
        let mut targets = Mat::zeros(count, samples.d_output());
        let mut feature_means = vec![0.0; samples.d_features()];
        let mut target_means = vec![0.0; samples.d_output()];
        let mut row = 0;
        pass_in_blocks(samples, &mut |block: Block<'_>| {
            // A pass over too many rows is reported when it ends.
            let rows = block.features.nrows().min(count - row);
            for r in 0..rows {
                let values = block.features.as_ref().row(r);
                let values = values.try_as_row_major().expect("a block lies row by row");
                // The values were f32 before, so nothing is lost.
                features.extend(values.as_slice().iter().map(|&x| x as f32));
            }
            add_columns(block.features.as_ref(), &mut feature_means);
            add_columns(block.targets.as_ref(), &mut target_means);
            targets
                .get_mut(row..row + rows, ..)
                .copy_from(block.targets.as_ref().get(..rows, ..));
            row += rows;
        })?;
        for mean in feature_means.iter_mut().chain(&mut target_means) {
            *mean /= count as f64;
        }
        Ok(Held {
            features,
            targets,
            feature_means,
            target_means,
        })
    }

    /// The centred features in blocks of columns, `[rows, columns]`, with the first column of each.
    fn blocks(&self, visit: &mut dyn FnMut(usize, MatRef<'_, f64>)) {
        let (rows, d_features) = (self.targets.nrows(), self.feature_means.len());
        let width = ((4 << 20) / rows).clamp(64, 4096).min(d_features.max(1));
        let mut block = vec![0.0; rows * width];
        for start in (0..d_features).step_by(width) {
            let width = width.min(d_features - start);
            let block = &mut block[..rows * width];
            for (into, from) in block
                .chunks_exact_mut(width)
                .zip(self.features.chunks_exact(d_features))
            {
                let from = from[start..].iter().zip(&self.feature_means[start..]);
                for (into, (&x, mean)) in into.iter_mut().zip(from) {
                    *into = f64::from(x) - mean;
                }
            }
            visit(start, MatRef::from_row_major_slice(block, rows, width));
        }
    }

    /// XXᵀ of the centred features, `[rows, rows]`, only its lower triangle.
    pub(crate) fn kernel(&self) -> Mat<f64> {
        let mut kernel = Mat::zeros(self.targets.nrows(), self.targets.nrows());
        self.blocks(&mut |_, block| {
            triangular::matmul(
                &mut kernel,
                triangular::BlockStructure::TriangularLower,
                Accum::Add,
                block,
                triangular::BlockStructure::Rectangular,
                block.transpose(),
                triangular::BlockStructure::Rectangular,
                1.0,
                TASKS,
            );
        });
        kernel
    }

    /// W = Xᵀ·duals, `[d_features, d_output]`.
    pub(crate) fn weights(&self, duals: MatRef<'_, f64>) -> Mat<f64> {
        let mut weights = Mat::zeros(self.feature_means.len(), duals.ncols());
        self.blocks(&mut |start, block| {
            matmul(
                weights.get_mut(start..start + block.ncols(), ..),
                Accum::Replace,
                block.transpose(),
                duals,
                1.0,
                TASKS,
            );
        });
        weights
    }
}
