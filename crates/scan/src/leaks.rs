//! How much of the units' output enters the state.

use std::sync::Arc;

use crate::KernelError;

/// The leaks α of the units, each in (0, 1]: h_t = (1−α)·h_{t−1} + α·output_t.
#[derive(Debug, Clone, PartialEq)]
pub enum Leaks {
    /// One for all units.
    Same(f32),
    /// One per unit, population after population.
    Units(Arc<[f32]>),
}

impl From<f32> for Leaks {
    fn from(leak: f32) -> Self {
        Self::Same(leak)
    }
}

impl From<Vec<f32>> for Leaks {
    fn from(leaks: Vec<f32>) -> Self {
        Self::Units(leaks.into())
    }
}

impl Leaks {
    /// A unit's leak; units are counted over all populations.
    #[inline(always)]
    pub fn of(&self, unit: usize) -> f32 {
        match self {
            Self::Same(leak) => *leak,
            Self::Units(leaks) => leaks[unit],
        }
    }

    pub(crate) fn check(&self, units: usize) -> Result<(), KernelError> {
        let leaks = match self {
            Self::Same(leak) => std::slice::from_ref(leak),
            Self::Units(leaks) if leaks.len() == units => leaks,
            Self::Units(leaks) => {
                return Err(KernelError::Length {
                    name: "leaks",
                    got: leaks.len(),
                    expected: units,
                    shape: "one per unit".into(),
                });
            }
        };
        let wrong = leaks.iter().find(|&&leak| !(leak > 0.0 && leak <= 1.0));
        wrong.map_or(Ok(()), |leak| {
            Err(KernelError::Range {
                name: "leak",
                got: leak.to_string(),
                allowed: "more than 0 and at most 1",
            })
        })
    }
}
