//! The sizes of what is measured.

use std::fmt;
use std::str::FromStr;

/// The sizes of a measured network and of the batch that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Units, U.
    pub units: usize,
    /// Width of a unit, D.
    pub d_unit: usize,
    /// Rows of context, C.
    pub context: usize,
    /// Sequences, B.
    pub batch: usize,
    /// Steps, T.
    pub steps: usize,
}

impl Case {
    /// The cases that are measured when none is asked for; the last one is streaming.
    pub const USUAL: [Self; 5] = [
        Self::of([20, 16, 4, 32, 28]),
        Self::of([40, 32, 4, 32, 28]),
        Self::of([100, 8, 5, 32, 28]),
        Self::of([8, 64, 4, 32, 28]),
        Self::of([40, 32, 4, 1, 200]),
    ];

    /// Units, width, context, batch and steps, unchecked.
    pub const fn of([units, d_unit, context, batch, steps]: [usize; 5]) -> Self {
        Self {
            units,
            d_unit,
            context,
            batch,
            steps,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            units,
            d_unit,
            context,
            batch,
            steps,
        } = self;
        write!(f, "{units},{d_unit},{context},{batch},{steps}")
    }
}

/// Why a text is no [`Case`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no case: five whole numbers from 1 to 1000000 are needed, units,dim,context,batch,steps, as in 20,16,4,32,28; \
     units·dim·context may be up to 10000000, and units·dim·batch·steps up to 1000000000"
)]
pub struct CaseError(String);

impl FromStr for Case {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<Self, CaseError> {
        let numbers: Result<Vec<usize>, _> = text.split(',').map(|n| n.trim().parse()).collect();
        let numbers = numbers.map_err(|_| CaseError(text.into()))?;
        let numbers: [usize; 5] = numbers.try_into().map_err(|_| CaseError(text.into()))?;
        let case = Self::of(numbers);
        let product =
            |sizes: &[usize]| sizes.iter().fold(1, |all: usize, n| all.saturating_mul(*n));
        let window = product(&[case.units, case.d_unit, case.context]);
        let states = product(&[case.units, case.d_unit, case.batch, case.steps]);
        let allowed = numbers.iter().all(|n| (1..=1_000_000).contains(n));
        match allowed && window <= 10_000_000 && states <= 1_000_000_000 {
            true => Ok(case),
            false => Err(CaseError(text.into())),
        }
    }
}
