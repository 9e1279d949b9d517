//! Teaching a readout in closed loop, as the rule `force` of a configuration.

use ndarray::{Array1, Axis};
use ran_readout::{Online, Rls, RlsConfig};
use ran_reservoir::{Reservoir, ScanBackend};
use ran_tasks::{Category, Dataset};
use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::free_run::is_one_step_ahead;
use crate::session::Session;
use crate::steps::Steps;
use crate::view::View;

/// FORCE learning (Sussillo & Abbott 2009, "Generating coherent patterns of activity from chaotic neural networks"): from
/// the first scored step on, the reservoir sees what the readout said of the step before instead of the series, and
/// recursive least squares keeps the error small all the while.
///
/// A readout that was taught so has met its own errors, and is for going on by itself (`evaluation.free_run`). For forecasts of
/// all inputs a step ahead, with the features `last`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForceConfig {
    /// λ of recursive least squares, in (0, 1]: a step that is k updates old counts λᵏ. 1 forgets nothing.
    pub forgetting: f64,
    /// δ > 0 of recursive least squares: the penalty that the first P = I/δ stands for.
    pub delta: f64,
    /// Steps from one update of the readout to the next, at least 1.
    pub every: usize,
}

impl Default for ForceConfig {
    fn default() -> Self {
        let RlsConfig { forgetting, delta } = RlsConfig::default();
        Self {
            forgetting,
            delta,
            every: 1,
        }
    }
}

impl ForceConfig {
    /// The recursive least squares in it.
    pub(crate) fn rls(&self) -> RlsConfig {
        RlsConfig {
            forgetting: self.forgetting,
            delta: self.delta,
        }
    }
}

/// Teaches a readout on the training series, in so many walks that each begin without a memory.
///
/// # Errors
///
/// If the task is not a forecast of all inputs one step ahead of one series, the readout diverges, or the session is stopped.
pub(crate) fn teach<B: ScanBackend>(
    reservoir: &Reservoir<B>,
    view: &View,
    dataset: &Dataset,
    config: &ForceConfig,
    passes: usize,
    device: &B::Device,
    session: &Session<'_>,
) -> Result<Rls, LearningError> {
    let refused = || LearningError::Config {
        field: "readout.online".into(),
        problem: format!(
            "with the rule \"force\" feeds a model with its own predictions, and needs one series whose targets are all \
             inputs of the next step, as with task.horizon = 1; the task {:?} is not one",
            dataset.name
        ),
    };
    if dataset.target_offset.is_some() {
        return Err(LearningError::Config {
            field: "readout.online".into(),
            problem: format!(
                "with the rule \"force\" needs numbers that 32 bits tell apart; those of the task {:?} lie too far from 0 beside \
                 how far they lie from one another: take their mean from them",
                dataset.name
            ),
        });
    }
    let ([series], Category::Regression) = (&dataset.train[..], dataset.category) else {
        return Err(refused());
    };
    let mut inputs = series.inputs.clone();
    if let Some(standardiser) = &dataset.standardiser {
        standardiser.invert(&mut inputs);
    }
    if !is_one_step_ahead(inputs.view(), &series.scored, series.targets.view()) {
        return Err(refused());
    }
    let mut readout = config.rls().init(view.d_state(), dataset.d_output)?;
    for _ in 0..passes {
        let mut memory = Steps::start(reservoir, device);
        let first = series.scored[0];
        for inputs in series.inputs.rows().into_iter().take(first) {
            if session.stopped() {
                return Err(LearningError::Stopped);
            }
            memory.step(reservoir, inputs);
        }
        // The readout has said nothing yet: the first step is the series' own.
        let mut inputs = series.inputs.row(first).to_owned();
        for (at, target) in series.targets.rows().into_iter().enumerate() {
            if session.stopped() {
                return Err(LearningError::Stopped);
            }
            let state = memory.step(reservoir, inputs.view());
            let state = view.state(state.view());
            if at.is_multiple_of(config.every) {
                readout.update(state.view(), target)?;
            }
            inputs = standardised(dataset, readout.predict(state.view()));
        }
    }
    Ok(readout)
}

/// From what a readout says, which is raw, to what a reservoir sees.
fn standardised(dataset: &Dataset, said: Array1<f32>) -> Array1<f32> {
    let mut row = said.insert_axis(Axis(0));
    if let Some(standardiser) = &dataset.standardiser {
        standardiser.apply(&mut row);
    }
    row.remove_axis(Axis(0))
}
