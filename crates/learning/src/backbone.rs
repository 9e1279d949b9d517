//! What turns inputs into states: an input map, where there is one, and the reservoir or another network; equation 15 of
//! docs/model.md#the-input-map.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorCreationOptions, TensorData, backend::Backend};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use ran_reservoir::{Reservoir, ScanBackend};
use ran_tasks::one_hot_rows;
use ran_unit::RngStream;
use rand_chacha::ChaCha8Rng;

use crate::backend::host;
use crate::core::{Core, Memory};
use crate::inputs::{InputMapConfig, ModelInputs};
use crate::normal::normals;
use crate::{LearningError, ModelConfig};

/// The linear map in front of the units.
#[derive(Module, Debug)]
pub(crate) struct InputMap<B: Backend> {
    /// `[inputs or symbols, width]`.
    weight: Param<Tensor<B, 2>>,
}

impl<B: Backend> InputMap<B> {
    pub(crate) fn init(
        config: &InputMapConfig,
        inputs: &ModelInputs,
        seed: u64,
        device: &B::Device,
    ) -> Self {
        let rows = inputs.encoded();
        let deviation = match inputs {
            ModelInputs::Symbols(_) => config.scale,
            ModelInputs::Numbers(_) => config.scale / (rows as f64).sqrt(),
        };
        let mut rng = RngStream::InputMap.rng(seed);
        let mut normal = normals(&mut rng);
        let drawn = (0..rows * config.width).map(|_| deviation as f32 * normal());
        let drawn = TensorData::new(drawn.collect::<Vec<f32>>(), [rows, config.width]);
        Self {
            weight: Param::from_data(drawn, device),
        }
    }
}

/// An input map, where there is one, and the reservoir or another network.
#[derive(Module, Debug)]
pub(crate) struct Backbone<B: Backend> {
    pub(crate) input_map: Option<InputMap<B>>,
    pub(crate) core: Core<B>,
    /// How many symbols the inputs are; 0 where they are numbers.
    symbols: usize,
}

impl<B: Backend> From<Reservoir<B>> for Backbone<B> {
    /// A reservoir that reads numbers.
    fn from(reservoir: Reservoir<B>) -> Self {
        Self {
            input_map: None,
            core: Core::Reservoir(reservoir),
            symbols: 0,
        }
    }
}

impl<B: Backend> Backbone<B> {
    /// Draws it from a seed.
    pub(crate) fn init(
        config: &ModelConfig,
        inputs: &ModelInputs,
        seed: u64,
        device: &B::Device,
    ) -> Result<Self, LearningError> {
        let core = Core::init(config, inputs, seed, device)?;
        let map = config.input_map.as_ref();
        let map = map.map(|map| InputMap::init(map, inputs, seed, device));
        Ok(Self::of(map, core, inputs))
    }

    /// Puts an input map and what stands behind it together.
    pub(crate) fn of(input_map: Option<InputMap<B>>, core: Core<B>, inputs: &ModelInputs) -> Self {
        Self {
            input_map,
            core,
            symbols: inputs.symbols(),
        }
    }

    /// The states of a batch of sequences, and what is remembered of them; with a generator in training, as of
    /// [`Core::forward`].
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, steps, d_input]`: numbers, or a symbol's place
    /// - output: `[batch, steps, d_state]`
    pub(crate) fn forward(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        truncate: Option<usize>,
        rng: Option<&mut ChaCha8Rng>,
    ) -> (Tensor<B, 3>, Memory<B>)
    where
        B: ScanBackend,
    {
        let inputs = self.encode(inputs);
        self.core.forward(inputs, memory, truncate, rng)
    }

    /// The reservoir, where it is one.
    pub(crate) fn reservoir(&self) -> Option<&Reservoir<B>> {
        match &self.core {
            Core::Reservoir(reservoir) => Some(reservoir),
            Core::Network(_) => None,
        }
    }

    /// What the reservoir reads of a batch of sequences, `[batch, steps, d_input]`.
    pub(crate) fn encode(&self, inputs: Tensor<B, 3>) -> Tensor<B, 3> {
        let [batch, steps, _] = inputs.dims();
        let inputs = match self.symbols {
            0 => inputs,
            symbols => one_hot(&inputs, symbols),
        };
        let Some(map) = &self.input_map else {
            return inputs;
        };
        let [rows, width] = map.weight.dims();
        let inputs = inputs.reshape([batch * steps, rows]);
        let mapped = inputs.matmul(map.weight.val());
        mapped.reshape([batch, steps, width])
    }

    /// The same for single steps, on the host.
    pub(crate) fn encoder(&self) -> Encoder {
        let map = self.input_map.as_ref();
        Encoder {
            table: map.map(|map| host(map.weight.val())),
            symbols: self.symbols,
        }
    }
}

/// A number for each symbol, of which one is 1, for places `[batch, steps, 1]`.
///
/// An input map is then a product: to look its rows up takes burn-ndarray longer, forward and backward.
fn one_hot<B: Backend>(places: &Tensor<B, 3>, symbols: usize) -> Tensor<B, 3> {
    let [batch, steps, _] = places.dims();
    let numbers = places.to_data().convert::<f32>().into_vec::<f32>();
    let numbers = numbers.expect("numbers were converted to f32");
    let column = ArrayView2::from_shape((batch * steps, 1), &numbers);
    let column = column.expect("a step has one symbol");
    let rows = one_hot_rows(column, symbols)
        .into_iter()
        .collect::<Vec<f32>>();
    let options = TensorCreationOptions::<B>::new(places.device()).with_dtype(places.dtype());
    Tensor::from_data(TensorData::new(rows, [batch, steps, symbols]), options)
}

/// What the reservoir reads of a step.
#[derive(Clone, Debug)]
pub(crate) struct Encoder {
    table: Option<Array2<f32>>,
    symbols: usize,
}

impl Encoder {
    /// # Shapes
    ///
    /// - inputs: `[d_input]`: numbers, or a symbol's place
    /// - output: what the reservoir reads
    pub(crate) fn encode(&self, inputs: ArrayView1<'_, f32>) -> Vec<f32> {
        match (&self.table, self.symbols) {
            (None, 0) => inputs.to_vec(),
            (Some(table), 0) => inputs.dot(table).to_vec(),
            (Some(table), _) => table.row(inputs[0] as usize).to_vec(),
            (None, symbols) => one_hot_rows(inputs.insert_axis(Axis(0)), symbols)
                .into_iter()
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_ndarray::NdArray;

    #[test]
    fn an_input_map_is_of_the_width_and_scale_that_are_asked_for() {
        let deviation = |inputs: &ModelInputs, scale| {
            let config = InputMapConfig { width: 500, scale };
            let map = InputMap::<NdArray<f32>>::init(&config, inputs, 7, &Default::default());
            assert_eq!(map.weight.dims(), [16, 500]);
            let numbers = map.weight.val().into_data().into_vec::<f32>().unwrap();
            let squares = numbers.iter().map(|x| f64::from(x * x)).sum::<f64>();
            (squares / numbers.len() as f64).sqrt()
        };
        // Of 8,000 normal numbers; four deviations of the estimate are 3 %.
        for (inputs, scale, expected) in [
            (ModelInputs::Symbols(16), 1.0, 1.0),
            (ModelInputs::Symbols(16), 0.5, 0.5),
            (ModelInputs::from(16), 2.0, 0.5),
        ] {
            let got = deviation(&inputs, scale);
            assert!((got / expected - 1.0).abs() < 0.032, "{inputs:?}: {got}");
        }
    }
}
