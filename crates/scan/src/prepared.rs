//! A scan whose weights are in order, for many calls without gradients.

use std::sync::Arc;

use crate::error::KernelError;
use crate::packed::Packed;
use crate::sequences::check_weights;
use crate::spec::ScanSpec;

/// A scan whose weights were checked and put in the order of a step, for any number of calls without gradients.
///
/// To put them in order reads and writes every weight once: as much work as a step of few sequences. Clones share them.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) spec: Arc<ScanSpec>,
    pub(crate) packed: Arc<Packed>,
}

impl Prepared {
    /// Puts weights in order.
    ///
    /// They are one slice per tensor, in the order of [`UnitKernel::tensors`], population after
    /// population, each with the units first; [`ScanSpec::split`] cuts them from one slice.
    ///
    /// # Errors
    ///
    /// A slice whose length disagrees with the specification.
    ///
    /// [`UnitKernel::tensors`]: crate::UnitKernel::tensors
    pub fn new(spec: impl Into<Arc<ScanSpec>>, weights: &[&[f32]]) -> Result<Self, KernelError> {
        let spec = spec.into();
        check_weights(&spec, weights)?;
        let packed = Arc::new(Packed::new(&spec, weights, false));
        Ok(Self { spec, packed })
    }

    /// What is scanned.
    pub fn spec(&self) -> &ScanSpec {
        &self.spec
    }
}
