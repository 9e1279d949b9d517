//! A network that generates a signal: closed-loop training with recursive least squares.

use burn::tensor::backend::Backend;
use ndarray::{Array1, Array2, ArrayView2};
use ran_readout::OnlineReadout;
use ran_reservoir::{Reservoir, ReservoirConfig, ScanBackend};
use ran_unit::Initializer;
use serde::{Deserialize, Serialize};

use crate::backbone::Backbone;
use crate::steps::Steps;
use crate::{ForceConfig, LearningError};

/// What a [`Generator`] is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorConfig {
    /// The reservoir, whose inputs are its own outputs.
    pub reservoir: ReservoirConfig,
    /// How the readout learns.
    #[serde(default)]
    pub force: ForceConfig,
}

/// A reservoir that is driven by what its own readout says: z_t = Wᵀh_t + b and h_{t+1} = reservoir(z_t, h_t, …).
///
/// It is taught by FORCE learning (Sussillo & Abbott 2009, "Generating coherent patterns of activity from chaotic neural
/// networks"): the output goes back into the network from the first step on, and recursive least squares keeps its error
/// small throughout, so that the network learns in the presence of its own small errors and stays stable when it is
/// left alone. The readout sees the state h_t.
#[derive(Clone, Debug)]
pub struct Generator<B: Backend> {
    backbone: Backbone<B>,
    readout: OnlineReadout,
    memory: Steps<B>,
    output: Array1<f32>,
    every: usize,
    steps: usize,
}

impl<B: ScanBackend> Generator<B> {
    /// Draws a generator of signals of a width from a seed. Its output is zero at first.
    ///
    /// # Errors
    ///
    /// If the configuration is wrong.
    pub fn new(
        config: &GeneratorConfig,
        d_output: usize,
        seed: u64,
        device: &B::Device,
    ) -> Result<Self, LearningError> {
        if let Some((key, problem)) = config.force.problem() {
            return Err(LearningError::config(format!("force.{key}"), problem));
        }
        let law = Initializer::Reservoir;
        let reservoir = Reservoir::init(&config.reservoir, d_output, law, seed, device)?;
        let readout = config.force.rls().init(reservoir.d_state(), d_output)?;
        let backbone = Backbone::from(reservoir);
        Ok(Self {
            readout,
            memory: Steps::start(&backbone, device),
            output: Array1::zeros(d_output),
            every: config.force.every,
            steps: 0,
            backbone,
        })
    }

    /// Goes on for one step per target and corrects the readout on the way. Returns its outputs before each correction.
    ///
    /// # Shapes
    ///
    /// - targets: `[steps, d_output]`
    /// - output: `[steps, d_output]`
    ///
    /// # Errors
    ///
    /// If a target is not finite, or the readout diverges.
    ///
    /// # Panics
    ///
    /// If the targets are not `d_output` wide.
    pub fn teach(&mut self, targets: ArrayView2<'_, f32>) -> Result<Array2<f32>, LearningError> {
        let mut said = Array2::zeros(targets.dim());
        for (mut said, target) in said.rows_mut().into_iter().zip(targets.rows()) {
            let state = self.advance();
            said.assign(&self.output);
            if self.steps.is_multiple_of(self.every) {
                self.readout.update(state.view(), target)?;
                self.output = self.readout.predict(state.view());
            }
        }
        Ok(said)
    }

    /// Goes on alone.
    ///
    /// # Shapes
    ///
    /// - output: `[steps, d_output]`
    pub fn run(&mut self, steps: usize) -> Array2<f32> {
        let mut said = Array2::zeros((steps, self.output.len()));
        for mut row in said.rows_mut() {
            self.advance();
            row.assign(&self.output);
        }
        said
    }

    /// Feeds the last output back, and says the next.
    fn advance(&mut self) -> Array1<f32> {
        let state = self.memory.step(&self.backbone, self.output.view());
        self.output = self.readout.predict(state.view());
        self.steps += 1;
        state
    }
}
