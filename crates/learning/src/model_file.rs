//! Models on disk: safetensors with the model card in the file's metadata.

mod card;

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, Param};
use burn::store::{ModuleSnapshot, SafetensorsStore};
use burn::tensor::{Int, Tensor, TensorData, backend::Backend};
use ran_baselines::Baseline;
use ran_readout::{LinearReadout, LinearReadoutConfig};
use ran_reservoir::{Reservoir, StandardUnit};
use ran_topology::Wiring;
use safetensors::tensor::TensorInfo;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::backbone::{Backbone, InputMap};
use crate::core::Core;
use crate::{LearningError, Model, ModelCard};
use card::CARD;
pub(crate) use card::entry;

/// All numbers of a model, the fixed wiring among them: a file is used as it was written even where a later version
/// would draw another wiring from the seed.
#[derive(Module, Debug)]
struct Numbers<B: Backend> {
    input_map: Option<InputMap<B>>,
    network: Option<Baseline<B>>,
    reservoir: Option<StoredReservoir<B>>,
    wiring: Option<StoredWiring<B>>,
    readout: LinearReadout<B>,
}

#[derive(Module, Debug)]
struct StoredReservoir<B: Backend> {
    populations: Vec<StandardUnit<B>>,
}

#[derive(Module, Debug)]
struct StoredWiring<B: Backend> {
    offsets: Param<Tensor<B, 1, Int>>,
    sources: Param<Tensor<B, 1, Int>>,
    weights: Param<Tensor<B, 1>>,
}

impl<B: Backend> StoredWiring<B> {
    fn new(offsets: Vec<i32>, sources: Vec<i32>, weights: Vec<f32>, device: &B::Device) -> Self {
        let ints = |numbers: Vec<i32>| {
            let shape = [numbers.len()];
            Param::initialized(
                Default::default(),
                Tensor::from_data(TensorData::new(numbers, shape), device),
            )
        };
        let shape = [weights.len()];
        Self {
            offsets: ints(offsets),
            sources: ints(sources),
            weights: Param::from_data(TensorData::new(weights, shape), device),
        }
    }

    fn of(wiring: &Wiring, device: &B::Device) -> Self {
        let offsets = wiring.offsets().iter().map(|&at| at as i32).collect();
        let sources = wiring.sources().iter().map(|&at| at as i32).collect();
        Self::new(offsets, sources, wiring.weights().to_vec(), device)
    }

    /// Room for a wiring of `d_state` slots with a file's number of sources.
    fn blank(d_state: usize, file: &SafeTensors<'_>, device: &B::Device) -> Self {
        let sources = file.tensor("wiring.sources");
        let sources = sources.map_or(0, |found| found.shape().iter().product());
        let (offsets, zeros) = (vec![0; d_state + 1], vec![0; sources]);
        Self::new(offsets, zeros, vec![0.0; sources], device)
    }

    fn wiring(&self, d_input: usize) -> Result<Wiring, LearningError> {
        let ints = |param: &Param<Tensor<B, 1, Int>>| {
            let data = param.val().into_data().convert::<i64>();
            data.into_vec::<i64>()
                .expect("numbers were converted to i64")
        };
        let offsets = ints(&self.offsets).into_iter();
        let sources = ints(&self.sources).into_iter();
        // A negative number becomes one that is out of range, and the check below names it.
        let offsets = offsets.map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        let sources = sources.map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        let weights = self.weights.val().into_data().convert::<f32>();
        let weights = weights.into_vec().expect("numbers were converted to f32");
        Wiring::from_parts(d_input, offsets.collect(), sources.collect(), weights)
            .map_err(|error| LearningError::ModelFile(format!("is damaged: {error}")))
    }
}

impl<B: Backend> Model<B> {
    /// The model as the bytes of a safetensors file.
    ///
    /// # Errors
    ///
    /// If a number is not finite, or the numbers cannot be serialised.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LearningError> {
        let card = serde_json::to_string(&self.card);
        let card =
            card.map_err(|error| LearningError::ModelFile(format!("has a card that {error}")))?;
        let device = self.readout.bias.val().device();
        let numbers = Numbers {
            input_map: self.backbone.input_map.clone(),
            network: match &self.backbone.core {
                Core::Network(network) => Some(network.clone()),
                Core::Reservoir(_) => None,
            },
            wiring: self
                .reservoir()
                .map(|reservoir| StoredWiring::of(reservoir.wiring(), &device)),
            reservoir: self.reservoir().map(|reservoir| StoredReservoir {
                populations: reservoir.populations.clone(),
            }),
            readout: self.readout.clone(),
        };
        numbers.check_finite()?;
        let mut store = SafetensorsStore::from_bytes(None)
            .skip_enum_variants(true)
            .metadata(CARD, card);
        let failed = |error| LearningError::ModelFile(format!("cannot be written: {error}"));
        numbers.save_into(&mut store).map_err(failed)?;
        let bytes = store.get_bytes().map_err(failed)?;
        in_order(&bytes).map_err(|error| LearningError::ModelFile(error.to_string()))
    }

    /// The model of a safetensors file's bytes, on any backend.
    ///
    /// # Errors
    ///
    /// If the bytes are truncated, are no model of this project, their card is wrong, their tensors are not of the shapes
    /// that their configuration asks for, which are named as expected and got, there are others, or a number in them is not finite.
    pub fn from_bytes(bytes: Vec<u8>, device: &B::Device) -> Result<Self, LearningError> {
        let refused = LearningError::ModelFile;
        let card = ModelCard::from_bytes(&bytes)?;
        let mut numbers = Numbers::blank(&card, &bytes, device)?;
        let mut store = SafetensorsStore::from_bytes(Some(bytes)).skip_enum_variants(true);
        let failed = |error: String| refused(format!("cannot be read: {error}"));
        let result = numbers
            .load_from(&mut store)
            .map_err(|error| failed(error.to_string()))?;
        if let Some(error) = result.errors.first() {
            return Err(failed(error.to_string()));
        }
        numbers.check_finite()?;
        let core = match (numbers.network, numbers.reservoir, numbers.wiring) {
            (Some(network), _, _) => Core::Network(network),
            (None, Some(stored), Some(wiring)) => {
                Core::Reservoir(reservoir_of(&card, stored, &wiring, device)?)
            }
            _ => unreachable!("a file's numbers are those that its card asks for"),
        };
        Ok(Self {
            backbone: Backbone::of(numbers.input_map, core, &card.inputs()),
            card,
            readout: numbers.readout,
        })
    }
}

/// The reservoir of a file's numbers.
fn reservoir_of<B: Backend>(
    card: &ModelCard,
    stored: StoredReservoir<B>,
    wiring: &StoredWiring<B>,
    device: &B::Device,
) -> Result<Reservoir<B>, LearningError> {
    let d_input = card.reservoir_inputs().width();
    let wiring = wiring.wiring(d_input)?;
    if d_input > wiring.sources().len() && !card.config.reservoir.has_reads() {
        return Err(LearningError::ModelFile(format!(
            "is damaged: its card has {d_input} inputs, of which its wiring reads at most {}",
            wiring.sources().len()
        )));
    }
    let reservoir = &card.config.reservoir;
    Ok(Reservoir::assemble(
        reservoir,
        wiring,
        stored.populations,
        device,
    )?)
}

impl<B: Backend> Numbers<B> {
    /// Numbers of the card's shapes, for a file's to be put into.
    fn blank(card: &ModelCard, bytes: &[u8], device: &B::Device) -> Result<Self, LearningError> {
        let file = SafeTensors::deserialize(bytes)
            .map_err(|error| LearningError::ModelFile(format!("cannot be read: {error}")))?;
        let config = &card.config;
        let initializer = config.learning.initializer();
        let d_features = card.view().width();
        let inputs = card.reservoir_inputs();
        let wrong = |error: &dyn std::fmt::Display| {
            let why = format!("is damaged: its card has a configuration that is wrong: {error}");
            LearningError::ModelFile(why)
        };
        let network = config.network.as_ref();
        let network = network.map(|network| network.init(inputs.width(), card.seed, device));
        let network = network.transpose().map_err(|error| wrong(&error))?;
        let (reservoir, wiring) = match &network {
            Some(_) => (None, None),
            None => {
                let drawn = config
                    .reservoir
                    .draw(&inputs, initializer, card.seed, device);
                let populations = drawn.map_err(|error| wrong(&error))?;
                let wiring = StoredWiring::blank(config.reservoir.d_state(), &file, device);
                (Some(StoredReservoir { populations }), Some(wiring))
            }
        };
        let map = config.input_map.as_ref();
        let numbers = Self {
            input_map: map.map(|map| InputMap::init(map, &card.inputs(), 0, device)),
            network,
            reservoir,
            wiring,
            readout: LinearReadoutConfig::new(d_features, card.d_output).init(0, device),
        };
        numbers.check_shapes(&file)?;
        Ok(numbers)
    }

    /// Compares the file's tensors with those that its configuration asks for.
    fn check_shapes(&self, file: &SafeTensors<'_>) -> Result<(), LearningError> {
        let refused = |why| Err(LearningError::ModelFile(why));
        let mut others: BTreeSet<&str> = file.names().into_iter().collect();
        for wanted in self.collect(None, None, true) {
            let (path, expected) = (wanted.full_path(), wanted.shape.to_vec());
            let Ok(found) = file.tensor(&path) else {
                return refused(format!(
                    "lacks {path}, which its configuration asks for with shape {expected:?}"
                ));
            };
            others.remove(&*path);
            let got = found.shape();
            if got != expected {
                return refused(format!(
                    "holds {path} with shape {got:?}, its configuration asks for {expected:?}"
                ));
            }
            let kind = if wanted.dtype.is_float() {
                FLOATS
            } else {
                INTS
            };
            if !kind.contains(&found.dtype()) {
                let got = found.dtype();
                return refused(format!("holds {path} as {got:?}; {kind:?} can be read"));
            }
        }
        if let Some(other) = others.first() {
            return refused(format!(
                "holds {other}, which its configuration does not ask for"
            ));
        }
        Ok(())
    }

    /// Refuses a number that is none, or infinite: all that is computed with it would be.
    fn check_finite(&self) -> Result<(), LearningError> {
        for tensor in self.collect(None, None, true) {
            if !tensor.dtype.is_float() {
                continue;
            }
            let path = tensor.full_path();
            let data = tensor.to_data().map_err(|error| {
                LearningError::ModelFile(format!("cannot be read: {path}: {error}"))
            })?;
            let numbers = data.convert::<f32>();
            let numbers = numbers.as_slice::<f32>();
            let numbers = numbers.expect("numbers were converted to f32");
            let found = numbers.iter().enumerate().find(|(_, x)| !x.is_finite());
            if let Some((at, number)) = found {
                return Err(LearningError::ModelFile(format!(
                    "holds {number} in {path}, at place {at} of {}: every number must be finite",
                    numbers.len()
                )));
            }
        }
        Ok(())
    }
}

/// Types of numbers that are read as weights.
const FLOATS: &[Dtype] = &[Dtype::F16, Dtype::BF16, Dtype::F32, Dtype::F64];
/// Types of numbers that are read as places.
const INTS: &[Dtype] = &[Dtype::I32, Dtype::I64];

/// The header of a safetensors file, with its entries in alphabetical order.
#[derive(Deserialize, Serialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: BTreeMap<String, TensorInfo>,
}

/// The same file with its header in order: the library writes the metadata as they lie in a table of random order, and the
/// same model should be the same bytes.
fn in_order(bytes: &[u8]) -> serde_json::Result<Vec<u8>> {
    const ALIGNMENT: usize = 8;
    let (length, rest) = bytes.split_first_chunk().unwrap_or((&[0; 8], &[]));
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (header, numbers) = rest.split_at(length.min(rest.len()));
    let header: Header = serde_json::from_slice(header)?;
    let mut text = serde_json::to_string(&header)?;
    // Readers may map the numbers into memory: they stay where a number may begin.
    let width = text.len().next_multiple_of(ALIGNMENT);
    text.extend(std::iter::repeat_n(' ', width - text.len()));
    let length = (text.len() as u64).to_le_bytes();
    Ok([&length, text.as_bytes(), numbers].concat())
}
