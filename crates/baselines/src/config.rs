//! Which network, with which options; and any of the networks as one module.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use ran_unit::RngStream;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{
    BaselineError, EchoStateTransformer, EchoStateTransformerConfig, GatedConfig, Gru, Lstm, Mamba,
    MambaConfig, Memory, Network, RetNet, RetNetConfig, Rwkv, RwkvConfig, Slot, Transformer,
    TransformerConfig,
};
use crate::{gru, lstm};

/// A network with its options. In a file, `kind` names it, and each has options of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    expecting = "a table with a kind, as in network.kind=gru"
)]
pub enum BaselineConfig {
    /// Gated recurrent units.
    Gru(GatedConfig),
    /// Long short-term memory.
    Lstm(GatedConfig),
    /// Attention over all of the past, or its newest part.
    Transformer(TransformerConfig),
    /// Attention without softmax, whose memory decays.
    #[serde(rename = "retnet")]
    RetNet(RetNetConfig),
    /// A memory of keys and values that are erased and written anew.
    Rwkv(RwkvConfig),
    /// Selective state spaces.
    Mamba(MambaConfig),
    /// Attention over reservoirs.
    EchoStateTransformer(EchoStateTransformerConfig),
}

/// Any of the networks.
#[derive(Module, Debug)]
pub enum Baseline<B: Backend> {
    /// Gated recurrent units.
    Gru(Gru<B>),
    /// Long short-term memory.
    Lstm(Lstm<B>),
    /// Attention over all of the past, or its newest part.
    Transformer(Transformer<B>),
    /// Attention without softmax, whose memory decays.
    RetNet(RetNet<B>),
    /// A memory of keys and values that are erased and written anew.
    Rwkv(Rwkv<B>),
    /// Selective state spaces.
    Mamba(Mamba<B>),
    /// Attention over reservoirs.
    EchoStateTransformer(EchoStateTransformer<B>),
}

/// Calls a method of whichever network it is, of its configuration or of itself.
macro_rules! delegate {
    ($of:ident, $any:expr, $inner:ident => $call:expr) => {
        match $any {
            $of::Gru($inner) => $call,
            $of::Lstm($inner) => $call,
            $of::Transformer($inner) => $call,
            $of::RetNet($inner) => $call,
            $of::Rwkv($inner) => $call,
            $of::Mamba($inner) => $call,
            $of::EchoStateTransformer($inner) => $call,
        }
    };
}

/// The most inputs, so that no product overflows.
const MOST_INPUTS: usize = 1 << 24;

/// The most parameters: 4 GiB in 32-bit floats.
const MOST_PARAMETERS: usize = 1 << 30;

impl BaselineConfig {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// Names the first option that is out of range or does not fit the others.
    pub fn check(&self) -> Result<(), BaselineError> {
        delegate!(Self, self, config => config.check())
    }

    /// Width of the features.
    pub fn d_features(&self) -> usize {
        delegate!(Self, self, config => config.width)
    }

    /// How many numbers are trained, without drawing them. The options must have been checked.
    pub fn parameters(&self, d_input: usize) -> usize {
        match self {
            Self::Gru(config) => config.parameters(gru::MAPS, d_input),
            Self::Lstm(config) => config.parameters(lstm::MAPS, d_input),
            Self::Transformer(config) => config.parameters(d_input),
            Self::RetNet(config) => config.parameters(d_input),
            Self::Rwkv(config) => config.parameters(d_input),
            Self::Mamba(config) => config.parameters(d_input),
            Self::EchoStateTransformer(config) => config.parameters(d_input),
        }
    }

    /// How many numbers stay as they were drawn, beside those that are trained. The options must have been checked.
    pub fn fixed(&self) -> usize {
        match self {
            Self::EchoStateTransformer(config) => config.fixed(),
            _ => 0,
        }
    }

    /// Draws a network from a seed.
    ///
    /// # Errors
    ///
    /// If the options are wrong, or the network would have too many parameters.
    pub fn init<B: Backend>(
        &self,
        d_input: usize,
        seed: u64,
        device: &B::Device,
    ) -> Result<Baseline<B>, BaselineError> {
        self.check()?;
        if !(1..=MOST_INPUTS).contains(&d_input) {
            let problem = format!("must be between 1 and {MOST_INPUTS}, got {d_input}");
            return Err(BaselineError::config("d_input", problem));
        }
        let parameters = self.parameters(d_input);
        if parameters > MOST_PARAMETERS {
            let problem = format!(
                "and the other options give {parameters} parameters, at most {MOST_PARAMETERS} are allowed"
            );
            return Err(BaselineError::config("width", problem));
        }
        // The network stands where a reservoir's first population would.
        let rng = &mut RngStream::Weights(0).rng(seed);
        Ok(match self {
            Self::Gru(config) => Baseline::Gru(Gru {
                layers: config.init(gru::MAPS, d_input, rng, device),
            }),
            Self::Lstm(config) => Baseline::Lstm(Lstm {
                layers: config.init(lstm::MAPS, d_input, rng, device),
            }),
            Self::Transformer(config) => Baseline::Transformer(config.init(d_input, rng, device)),
            Self::RetNet(config) => Baseline::RetNet(config.init(d_input, rng, device)),
            Self::Rwkv(config) => Baseline::Rwkv(config.init(d_input, rng, device)),
            Self::Mamba(config) => Baseline::Mamba(config.init(d_input, rng, device)),
            Self::EchoStateTransformer(config) => {
                Baseline::EchoStateTransformer(config.init(d_input, rng, device))
            }
        })
    }
}

impl<B: Backend> Network<B> for Baseline<B> {
    fn name(&self) -> &'static str {
        delegate!(Self, self, network => Network::<B>::name(network))
    }

    fn widths(&self) -> [usize; 2] {
        delegate!(Self, self, network => network.widths())
    }

    fn slots(&self, steps: usize) -> Vec<Slot> {
        delegate!(Self, self, network => network.slots(steps))
    }

    fn forward(&self, inputs: Tensor<B, 3>, memory: Memory<B>) -> (Tensor<B, 3>, Memory<B>) {
        delegate!(Self, self, network => network.forward(inputs, memory))
    }

    fn forward_in_training(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        rng: &mut dyn Rng,
    ) -> (Tensor<B, 3>, Memory<B>) {
        delegate!(Self, self, network => network.forward_in_training(inputs, memory, rng))
    }

    fn step(&self, inputs: Tensor<B, 2>, memory: Memory<B>) -> (Tensor<B, 2>, Memory<B>) {
        delegate!(Self, self, network => network.step(inputs, memory))
    }

    fn multiply_adds_at(&self, position: usize) -> u64 {
        delegate!(Self, self, network => network.multiply_adds_at(position))
    }
}
