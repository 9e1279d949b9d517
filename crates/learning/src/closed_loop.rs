//! Teaching a readout in closed loop, as the rule `force` of a configuration.

use ndarray::{Array1, Axis};
use ran_readout::OnlineReadout;
use ran_reservoir::ScanBackend;
use ran_tasks::Dataset;

use crate::backbone::Backbone;
use crate::free_run::one_series;
use crate::session::Session;
use crate::steps::Steps;
use crate::view::View;
use crate::{ForceConfig, LearningError};

/// Teaches a readout on the training series, in `passes` passes that each begin without a memory.
///
/// # Errors
///
/// If the task is not a forecast of all inputs one step ahead of one series, the readout diverges, or the session is stopped.
pub(crate) fn teach<B: ScanBackend>(
    backbone: &Backbone<B>,
    view: &View,
    dataset: &Dataset,
    config: &ForceConfig,
    passes: usize,
    device: &B::Device,
    session: &Session<'_>,
) -> Result<OnlineReadout, LearningError> {
    let (series, _) = one_series(dataset, &dataset.train).map_err(|problem| {
        let problem = format!("with the rule \"force\" {problem}");
        LearningError::config("readout.online", problem)
    })?;
    let mut readout = config.rls().init(view.d_state(), dataset.d_output)?;
    for _ in 0..passes {
        let mut memory = Steps::start(backbone, device);
        let first = series.scored[0];
        for inputs in series.inputs.rows().into_iter().take(first) {
            if session.stopped() {
                return Err(LearningError::Stopped);
            }
            memory.step(backbone, inputs);
        }
        // The readout has said nothing yet: the first step is the series' own.
        let mut inputs = series.inputs.row(first).to_owned();
        for (at, target) in series.targets.rows().into_iter().enumerate() {
            if session.stopped() {
                return Err(LearningError::Stopped);
            }
            let state = memory.step(backbone, inputs.view());
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
