//! The card of a model file, checked before anything of the sizes that it asks for is made.

use safetensors::SafeTensors;
use serde::Deserialize;

use crate::{LearningError, ModelCard};

/// The key of the model card in the file's metadata.
pub(super) const CARD: &str = "ran";

impl ModelCard {
    /// The model card of a safetensors file's bytes.
    ///
    /// # Errors
    ///
    /// If the bytes are truncated, are no model of this project or of another version, or what the card says is wrong or
    /// asks for more numbers than there are.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LearningError> {
        let refused = LearningError::ModelFile;
        let card = entry(bytes, CARD, "a model", refused)?;
        check_version(&card)?;
        let card: Self = serde_json::from_str(&card)
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
        card.check(bytes.len())?;
        Ok(card)
    }

    /// Checks what the card says, before anything of the sizes that it asks for is made: `bytes` is the length of its file.
    fn check(&self, bytes: usize) -> Result<(), LearningError> {
        let refused = |problem: String| {
            let why = format!("is damaged: its card has {problem}");
            Err(LearningError::ModelFile(why))
        };
        let (d_input, d_output) = (self.d_input, self.d_output);
        if let Err(error) = self.config.validate() {
            return refused(format!("a configuration that is wrong: {error}"));
        }
        for (name, width) in [("d_input", d_input), ("d_output", d_output)] {
            if width == 0 {
                return refused(format!("{name} = 0; at least 1 is needed"));
            }
        }
        // A number has two bytes at least.
        let most = bytes / 2;
        let readout = self.view().width().saturating_mul(d_output);
        let map = self.config.input_map.as_ref();
        let (weights, slots) = match &self.config.network {
            Some(network) => {
                let read = map.map_or(self.inputs().encoded(), |map| map.width);
                // More inputs than numbers are refused below; their product with the width could overflow.
                let trained = network.parameters(read.min(most));
                (trained.saturating_add(network.fixed()), 0)
            }
            None => {
                let reservoir = &self.config.reservoir;
                (reservoir.fewest_weights(), reservoir.d_state())
            }
        };
        if self.symbols && (d_input != 1 || self.standardiser.is_some()) {
            return refused(format!(
                "symbols as inputs, {d_input} of them a step; there is one, which is not standardised"
            ));
        }
        let map = map.map_or(0, |map| map.width.saturating_mul(self.inputs().encoded()));
        let whose = match self.config.network {
            Some(_) => "weights of the network",
            None => "weights of the reservoir",
        };
        for (what, needed) in [
            ("inputs", d_input),
            ("weights of the input map", map),
            (whose, weights),
            ("slots", slots),
            ("weights of the readout", readout),
        ] {
            if needed > most {
                return refused(format!(
                    "{needed} {what}, and its {bytes} bytes hold at most {most} numbers"
                ));
            }
        }
        let labels = self.labels.len();
        if labels != 0 && labels != d_output {
            return refused(format!("{labels} labels for {d_output} outputs"));
        }
        let Some(standardiser) = &self.standardiser else {
            return Ok(());
        };
        let (mean, deviation) = (&standardiser.mean, &standardiser.deviation);
        for (name, got) in [("mean", mean.len()), ("deviation", deviation.len())] {
            if got != d_input {
                return refused(format!(
                    "a standardiser.{name} of {got} numbers for {d_input} inputs"
                ));
            }
        }
        if let Some(number) = mean.iter().find(|x| !(**x as f32).is_finite()) {
            return refused(format!(
                "{number:e} in standardiser.mean; every number must be finite in 32 bits"
            ));
        }
        if let Some(number) = deviation.iter().find(|x| !x.is_finite() || **x <= 0.0) {
            return refused(format!(
                "{number} in standardiser.deviation; every number must be finite and above 0"
            ));
        }
        Ok(())
    }
}

/// What stands under a key in the metadata of a safetensors file, which should be `what`.
pub(crate) fn entry(
    bytes: &[u8],
    key: &str,
    what: &str,
    refused: fn(String) -> LearningError,
) -> Result<String, LearningError> {
    let broken = |error| refused(format!("is truncated or no safetensors file: {error}"));
    SafeTensors::deserialize(bytes).map_err(broken)?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let entries = metadata.metadata().as_ref();
    let entry = entries.and_then(|entries| entries.get(key)).cloned();
    entry.ok_or_else(|| {
        refused(format!(
            "has no {key:?} entry in its metadata: it is not {what} of this project"
        ))
    })
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
