//! Registration of kinds of unit that a program brings along.

use burn::tensor::backend::AutodiffBackend;

use crate::own::taken;
use crate::{Kind, OwnKind, ReservoirError, UnitKind};

/// Makes a kind known to configurations, on the backends that this crate was built with, in 32-bit floats.
///
/// # Errors
///
/// If another kind has its name.
pub fn register<K: Kind>() -> Result<(), ReservoirError> {
    entered::<K>()?;
    #[cfg(feature = "ndarray")]
    register_on::<K, burn::backend::Autodiff<burn_ndarray::NdArray>>()?;
    #[cfg(feature = "wgpu")]
    register_on::<K, burn::backend::Autodiff<burn_wgpu::Wgpu>>()?;
    Ok(())
}

/// Makes a kind known to configurations on one more backend, with automatic differentiation and without.
///
/// # Errors
///
/// If another kind has its name.
pub fn register_on<K: Kind, B: AutodiffBackend>() -> Result<(), ReservoirError> {
    let kind = entered::<K>()?;
    kind.draw_with::<K, B>();
    kind.draw_with::<K, B::InnerBackend>();
    Ok(())
}

fn entered<K: Kind>() -> Result<OwnKind, ReservoirError> {
    match UnitKind::of_the_project(K::NAME) {
        Some(_) => Err(taken(K::NAME)),
        None => OwnKind::enter::<K>(),
    }
}
