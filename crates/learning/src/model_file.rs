//! Models on disk: safetensors with the model card in the file's metadata.

use burn::module::{Module, Param};
use burn::store::{ModuleSnapshot, SafetensorsStore};
use burn::tensor::{Int, Tensor, TensorData, backend::Backend};
use ran_readout::{LinearReadout, LinearReadoutConfig};
use ran_reservoir::Reservoir;
use ran_topology::Wiring;
use safetensors::SafeTensors;
use serde::Deserialize;

use crate::{LearningError, Model, ModelCard};

/// The key of the model card in the file's metadata.
const CARD: &str = "ran";

/// All numbers of a model, the fixed wiring among them: a file is used as it was written even where a later version
/// would draw another wiring from the seed.
#[derive(Module, Debug)]
struct Numbers<B: Backend> {
    reservoir: Reservoir<B>,
    wiring: StoredWiring<B>,
    readout: LinearReadout<B>,
}

#[derive(Module, Debug)]
struct StoredWiring<B: Backend> {
    offsets: Param<Tensor<B, 1, Int>>,
    sources: Param<Tensor<B, 1, Int>>,
    weights: Param<Tensor<B, 1>>,
}

impl<B: Backend> StoredWiring<B> {
    fn new(wiring: &Wiring, device: &B::Device) -> Self {
        let ints = |numbers: Vec<i32>| {
            let shape = [numbers.len()];
            Param::initialized(
                Default::default(),
                Tensor::from_data(TensorData::new(numbers, shape), device),
            )
        };
        let weights = wiring.weights().to_vec();
        let shape = [weights.len()];
        Self {
            offsets: ints(wiring.offsets().iter().map(|&at| at as i32).collect()),
            sources: ints(wiring.sources().iter().map(|&at| at as i32).collect()),
            weights: Param::from_data(TensorData::new(weights, shape), device),
        }
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
    /// If the numbers cannot be serialised.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LearningError> {
        let card = serde_json::to_string(&self.card);
        let card =
            card.map_err(|error| LearningError::ModelFile(format!("has a card that {error}")))?;
        let device = self.readout.bias.val().device();
        let numbers = Numbers {
            wiring: StoredWiring::new(self.reservoir.wiring(), &device),
            reservoir: self.reservoir.clone(),
            readout: self.readout.clone(),
        };
        let mut store = SafetensorsStore::from_bytes(None)
            .skip_enum_variants(true)
            .metadata(CARD, card);
        let failed = |error| LearningError::ModelFile(format!("cannot be written: {error}"));
        numbers.save_into(&mut store).map_err(failed)?;
        store.get_bytes().map_err(failed)
    }

    /// The model of a safetensors file's bytes, on any backend.
    ///
    /// # Errors
    ///
    /// If the bytes are truncated, are no model of this project, or their tensors are not of the shapes that their
    /// configuration asks for; shapes are named as expected and got.
    pub fn from_bytes(bytes: Vec<u8>, device: &B::Device) -> Result<Self, LearningError> {
        let refused = LearningError::ModelFile;
        let card = ModelCard::from_bytes(&bytes)?;
        let mut numbers = Self::blank(&card, &bytes, device)?;
        let mut store = SafetensorsStore::from_bytes(Some(bytes)).skip_enum_variants(true);
        let failed = |error: String| refused(format!("cannot be read: {error}"));
        let result = numbers
            .load_from(&mut store)
            .map_err(|error| failed(error.to_string()))?;
        if let Some(error) = result.errors.first() {
            return Err(failed(error.to_string()));
        }
        let wiring = numbers.wiring.wiring(card.d_input)?;
        let populations = numbers.reservoir.populations;
        let reservoir = Reservoir::assemble(&card.config.reservoir, wiring, populations, device)?;
        Ok(Self {
            card,
            reservoir,
            readout: numbers.readout,
        })
    }

    /// A model of the card's shapes, for a file's numbers to be put into.
    fn blank(
        card: &ModelCard,
        bytes: &[u8],
        device: &B::Device,
    ) -> Result<Numbers<B>, LearningError> {
        let config = &card.config;
        config.validate()?;
        let initializer = config.learning.regime.initializer();
        let reservoir = Reservoir::<B>::init(
            &config.reservoir,
            card.d_input,
            initializer,
            card.seed,
            device,
        )?;
        let d_features = config.features().width(reservoir.d_state());
        let numbers = Numbers {
            wiring: StoredWiring::new(reservoir.wiring(), device),
            readout: LinearReadoutConfig::new(d_features, card.d_output).init(0, device),
            reservoir,
        };
        check_shapes(&numbers, bytes)?;
        Ok(numbers)
    }
}

impl ModelCard {
    /// The model card of a safetensors file's bytes.
    ///
    /// # Errors
    ///
    /// If the bytes are truncated, are no model of this project, or are of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LearningError> {
        let refused = LearningError::ModelFile;
        SafeTensors::deserialize(bytes)
            .map_err(|error| refused(format!("is truncated or no safetensors file: {error}")))?;
        let (_, header) = SafeTensors::read_metadata(bytes)
            .map_err(|error| refused(format!("is truncated or no safetensors file: {error}")))?;
        let card = header
            .metadata()
            .as_ref()
            .and_then(|entries| entries.get(CARD));
        let card = card.ok_or_else(|| {
            refused(format!(
                "has no {CARD:?} entry in its metadata: it is not a model of this project"
            ))
        })?;
        check_version(card)?;
        let card: Self = serde_json::from_str(card)
            .map_err(|error| refused(format!("is damaged: its card {error}")))?;
        for (what, names, numbers) in [
            ("inputs", &card.input_names, card.d_input),
            ("outputs", &card.output_names, card.d_output),
        ] {
            if !names.is_empty() && names.len() != numbers {
                let found = names.len();
                return Err(refused(format!(
                    "is damaged: its card has {found} names for {numbers} {what}"
                )));
            }
        }
        Ok(card)
    }
}

/// Refuses a card of a version that may mean other things by the same words: one with another major or minor number.
fn check_version(card: &str) -> Result<(), LearningError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: String,
    }
    let own = env!("CARGO_PKG_VERSION");
    let card: Versioned = serde_json::from_str(card)
        .map_err(|error| LearningError::ModelFile(format!("is damaged: its card {error}")))?;
    let series = |version: &str| {
        version
            .rsplit_once('.')
            .map(|(series, _)| series.to_owned())
    };
    if series(&card.version) == series(own) {
        return Ok(());
    }
    Err(LearningError::ModelFile(format!(
        "is of version {:?}, this program reads those of version {own:?} and its patches",
        card.version
    )))
}

/// Compares the file's tensors with those that its configuration asks for.
fn check_shapes<B: Backend>(numbers: &Numbers<B>, bytes: &[u8]) -> Result<(), LearningError> {
    let refused = |why| Err(LearningError::ModelFile(why));
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| LearningError::ModelFile(format!("cannot be read: {error}")))?;
    for wanted in numbers.collect(None, None, true) {
        let (path, expected) = (wanted.full_path(), wanted.shape.to_vec());
        match file.tensor(&path) {
            Ok(found) if found.shape() == expected => {}
            Ok(found) => {
                let got = found.shape();
                return refused(format!(
                    "holds {path} with shape {got:?}, its configuration asks for {expected:?}"
                ));
            }
            Err(_) => {
                return refused(format!(
                    "lacks {path}, which its configuration asks for with shape {expected:?}"
                ));
            }
        }
    }
    Ok(())
}
