//! The backends that a model can be computed on: everything that is specific to one.

use std::fmt;
use std::str::FromStr;

use ran_learning::LearningBackend;

/// A backend, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendKind {
    /// The processor: burn-ndarray. Cargo feature `ndarray`, on by default.
    #[default]
    Ndarray,
    /// A graphics card, or Vulkan in software: burn-wgpu. Cargo feature `wgpu`.
    Wgpu,
}

/// Why a backend cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// There is no backend of that name.
    #[error("there is no backend {0:?}; allowed are ndarray and wgpu")]
    Unknown(String),
    /// The program was built without it.
    #[error(
        "this program was built without the backend {0}: `cargo xtask` builds it with the backend that --backend names, \
         `cargo build --package ran --features {0}` does so by hand"
    )]
    NotBuilt(BackendKind),
    /// The machine has no device for it.
    #[error(
        "the backend wgpu finds no device ({0}): install the graphics card's Vulkan driver, or a device in software with \
         `apt-get install mesa-vulkan-drivers`"
    )]
    NoDevice(String),
}

impl BackendKind {
    /// Its name, which is that of its cargo feature too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndarray => "ndarray",
            Self::Wgpu => "wgpu",
        }
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for BackendKind {
    type Err = BackendError;

    fn from_str(name: &str) -> Result<Self, BackendError> {
        let kinds = [Self::Ndarray, Self::Wgpu];
        let kind = kinds.into_iter().find(|kind| kind.name() == name);
        kind.ok_or_else(|| BackendError::Unknown(name.into()))
    }
}

/// Something that is computed in the same way on any backend.
pub trait Work {
    /// What it gives.
    type Output;

    /// Computes it.
    fn on<B: LearningBackend>(self, device: &B::Device) -> Self::Output;
}

/// Computes `work` on a backend's default device.
///
/// # Errors
///
/// When the program was built without the backend, or the machine has no device for it.
//
// The unit tests of this crate compute nothing, so that burn's generic code is not compiled once more for them alone: what
// computes is tested through the library, in tests/.
pub fn compute<W: Work>(kind: BackendKind, work: W) -> Result<W::Output, BackendError> {
    match kind {
        #[cfg(all(feature = "ndarray", not(test)))]
        BackendKind::Ndarray => Ok(work.on::<burn_ndarray::NdArray>(&Default::default())),
        #[cfg(all(feature = "wgpu", not(test)))]
        BackendKind::Wgpu => Ok(work.on::<burn_wgpu::Wgpu>(&wgpu_device()?)),
        #[cfg(any(not(feature = "ndarray"), not(feature = "wgpu"), test))]
        other => {
            drop(work);
            Err(BackendError::NotBuilt(other))
        }
    }
}

/// The default device, set up once.
///
/// cubecl-wgpu 0.10 has no way to ask for a device that does not panic where there is none, so the panic is caught here,
/// at the one place where it is known what it means.
#[cfg(all(feature = "wgpu", not(test)))]
fn wgpu_device() -> Result<burn_wgpu::WgpuDevice, BackendError> {
    use std::panic;
    use std::sync::OnceLock;

    static DEVICE: OnceLock<Result<burn_wgpu::WgpuDevice, BackendError>> = OnceLock::new();
    let set_up = || {
        let device = burn_wgpu::WgpuDevice::default();
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        let outcome = panic::catch_unwind(|| {
            type Api = burn_wgpu::graphics::AutoGraphicsApi;
            burn_wgpu::init_setup::<Api>(&device, Default::default());
        });
        panic::set_hook(hook);
        match outcome {
            Ok(()) => Ok(device),
            Err(payload) => {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
                // After its first words the message goes into details of wgpu.
                let reason = text.and_then(|text| text.split(['.', ':', '\n']).next());
                Err(BackendError::NoDevice(
                    reason.unwrap_or("no adapter").into(),
                ))
            }
        }
    };
    DEVICE.get_or_init(set_up).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for kind in [BackendKind::Ndarray, BackendKind::Wgpu] {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "cuda".parse::<BackendKind>().unwrap_err().to_string();
        for word in ["\"cuda\"", "ndarray", "wgpu"] {
            assert!(error.contains(word), "{error}");
        }
    }
}
