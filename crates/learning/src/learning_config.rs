//! How a model learns, as it stands in a file: the table `[learning]`.

use ran_baselines::is_fixed;
use ran_unit::Initializer;
use serde::{Deserialize, Serialize};

use crate::{LearningError, Regime, Schedule, Truncate};

/// More epochs than any training takes.
const MOST_EPOCHS: usize = 1_000_000;

/// How queries and keys are fitted before the readout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QkFit {
    /// By ridge regression from what queries read to the keys of the rows that held the right value.
    Ridge,
}

/// How gains and biases of neurons are fitted before the readout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BiasFit {
    /// What a neuron reads is divided by its deviation on the training set, less a random quantile of it.
    Quantile,
}

/// A part of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The map in front of the units.
    InputMap,
    /// The units, as far as the regime trains them, or the network in the reservoir's place.
    Units,
    /// The readout.
    Readout,
}

/// How a model learns.
///
/// `validation` acts in every regime. `qk` and `bias` belong to the regime `reservoir`, `trained` and `carry` to those that train by
/// gradient, `fixed_qk` to `hybrid`; elsewhere they are refused. `label_smoothing` is refused where there are no classes, and
/// `input_noise` where inputs are symbols. The regime `reservoir` ignores the others, so that one file serves all regimes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LearningConfig {
    /// What is trained.
    pub regime: Regime,
    /// How the queries of populations with roles are fitted before the readout. Default: they stay as they were drawn. Regime
    /// `reservoir` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qk: Option<QkFit>,
    /// How gains and biases of tanh units are fitted before queries and the readout: those that are not linear, and whose `reads` name
    /// what they read, none of it their own state. Default: they stay as they were drawn. Regime `reservoir` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bias: Option<BiasFit>,
    /// Which parts the regime trains by gradient; the others stay as they were drawn. Default: all. Where the units stay, they are
    /// drawn as those of the regime `reservoir`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trained: Option<Vec<Part>>,
    /// Whether W_q and W_k stay random in the regime `hybrid` too.
    pub fixed_qk: bool,
    /// Passes over the training set.
    pub epochs: usize,
    /// Sequences per gradient step.
    pub batch: usize,
    /// Whether a training sequence begins with what the one before it left in the working memory, as segments of one text do,
    /// instead of with zeros. Each of a batch's sequences then follows its own stripe of the training set, in order; what is
    /// left over of stripes of equal length is not trained on. Gradients end at the sequence's beginning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub carry: bool,
    /// Adam's step size, before the schedule.
    pub learning_rate: f64,
    /// How the learning rate changes over the run.
    pub schedule: Schedule,
    /// Epochs over which the learning rate grows from zero; a fraction is allowed.
    pub warm_up: f64,
    /// What trained weights are pulled to zero by, times the learning rate, apart from the gradient (Loshchilov &
    /// Hutter 2019, "Decoupled weight decay regularization"). 0 for none.
    pub weight_decay: f64,
    /// The largest norm of the gradient of all parameters together (Pascanu, Mikolov & Bengio 2013). 0 for none.
    pub clip: f64,
    /// The probability that a feature is hidden from the readout during training (Srivastava et al. 2014).
    pub dropout: f64,
    /// Deviation of the normal noise that is added to (standardised) inputs during training.
    pub input_noise: f64,
    /// How much of a class's probability is spread over all classes (Szegedy et al. 2016, §7). Classification only.
    pub label_smoothing: f64,
    /// Where backpropagation through time is cut.
    pub truncate: Truncate,
    /// The share of the training set that is split off for validation where the task has none: class by class, by seed, and of a
    /// text its end.
    /// Default: 0.2 with `patience`, else 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<f64>,
    /// Epochs without a better score on the validation set after which training stops; the best epoch's model is the
    /// result. Default: all epochs are trained, and the last epoch's model is the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
}

impl Default for LearningConfig {
    fn default() -> Self {
        Self {
            regime: Regime::default(),
            qk: None,
            bias: None,
            trained: None,
            fixed_qk: false,
            epochs: 100,
            batch: 32,
            carry: false,
            learning_rate: 1e-3,
            schedule: Schedule::default(),
            warm_up: 0.0,
            weight_decay: 0.0,
            clip: 1.0,
            dropout: 0.0,
            input_noise: 0.0,
            label_smoothing: 0.0,
            truncate: Truncate::default(),
            validation: None,
            patience: None,
        }
    }
}

impl LearningConfig {
    /// The regime of the training by gradient: `full` or `fixed-qk`; none where nothing is trained by gradient.
    pub fn gradient_regime(&self) -> Option<Regime> {
        match (self.regime, self.fixed_qk) {
            (Regime::Reservoir, _) => None,
            (Regime::FixedQk, _) | (Regime::Hybrid, true) => Some(Regime::FixedQk),
            (Regime::Full, _) | (Regime::Hybrid, false) => Some(Regime::Full),
        }
    }

    /// Whether a parameter is trained; `path` is where it is: in a unit, as in `qkv.query.weight`, or in a network, as in
    /// `readout.bias`.
    pub fn trains(&self, path: &[impl AsRef<str>]) -> bool {
        let mut own = path.iter().map(AsRef::as_ref);
        let part = match own.find(|part| *part != "backbone") {
            Some("input_map") => Part::InputMap,
            Some("readout") => Part::Readout,
            _ => Part::Units,
        };
        let regime = self.gradient_regime();
        let units = |regime: Regime| part != Part::Units || regime.trains(path);
        let trains = |regime| self.trains_part(part) && units(regime) && !is_fixed(path);
        regime.is_some_and(trains)
    }

    fn trains_part(&self, part: Part) -> bool {
        let trained = self.trained.as_ref();
        trained.is_none_or(|trained| trained.contains(&part))
    }

    /// The law for weights where the configuration names none.
    pub fn initializer(&self) -> Initializer {
        match self.trains_part(Part::Units) {
            true => self.regime.initializer(),
            false => Initializer::Reservoir,
        }
    }

    /// The share of the training set that is split off where the task has no validation set.
    pub fn validation_share(&self) -> f64 {
        let stops_early = self.patience.is_some() && self.gradient_regime().is_some();
        let default = if stops_early { 0.2 } else { 0.0 };
        self.validation.unwrap_or(default)
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// Names the first field that is out of range, what it was and what is allowed.
    pub fn validate(&self) -> Result<(), LearningError> {
        let wrong = |field: &str, problem: String| {
            Err(LearningError::config(format!("learning.{field}"), problem))
        };
        for (field, got) in [
            ("epochs", self.epochs),
            ("batch", self.batch),
            ("patience", self.patience.unwrap_or(1)),
        ] {
            if got == 0 {
                return wrong(field, "must be at least 1, got 0".into());
            }
        }
        if self.epochs > MOST_EPOCHS {
            let problem = format!("must be at most {MOST_EPOCHS}, got {}", self.epochs);
            return wrong("epochs", problem);
        }
        let rate = self.learning_rate;
        if !rate.is_finite() || rate <= 0.0 {
            return wrong("learning_rate", format!("must be above 0, got {rate}"));
        }
        for (field, got) in [
            ("clip", self.clip),
            ("warm_up", self.warm_up),
            ("weight_decay", self.weight_decay),
            ("input_noise", self.input_noise),
        ] {
            if !got.is_finite() || got < 0.0 {
                return wrong(field, format!("must be at least 0, got {got}"));
            }
        }
        for (field, got) in [
            ("dropout", self.dropout),
            ("label_smoothing", self.label_smoothing),
            ("validation", self.validation.unwrap_or(0.0)),
        ] {
            if !(0.0..1.0).contains(&got) {
                return wrong(field, format!("must be at least 0 and below 1, got {got}"));
            }
        }
        for (field, is_there) in [("qk", self.qk.is_some()), ("bias", self.bias.is_some())] {
            if is_there && self.regime != Regime::Reservoir {
                let regime = self.regime.name();
                let problem =
                    format!("belongs to regime = \"reservoir\"; the regime is {regime:?}");
                return wrong(field, problem);
            }
        }
        if let Some(trained) = &self.trained {
            if self.gradient_regime().is_none() {
                let problem = "belongs to the regimes that train by gradient; the regime is \"reservoir\", which trains the \
                               readout alone, in closed form";
                return wrong("trained", problem.into());
            }
            if !trained.contains(&Part::Readout) {
                return wrong("trained", "must hold \"readout\"".into());
            }
        }
        if self.carry && self.gradient_regime().is_none() {
            let problem =
                "belongs to the regimes that train by gradient; the regime is \"reservoir\"";
            return wrong("carry", problem.into());
        }
        if self.carry && self.regime == Regime::Hybrid {
            let problem = "does not go with regime = \"hybrid\", whose readout is fitted in closed form to sequences that each begin from \
                           nothing; \"full\" and \"fixed-qk\" carry";
            return wrong("carry", problem.into());
        }
        if self.fixed_qk && self.regime != Regime::Hybrid {
            let regime = self.regime.name();
            let problem = format!("belongs to regime = \"hybrid\"; the regime is {regime:?}");
            return wrong("fixed_qk", problem);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_out_of_range_is_named_with_what_it_was_and_what_is_allowed() {
        for (text, words) in [
            ("epochs = 0", ["learning.epochs", "at least 1", "got 0"]),
            (
                "epochs = 9000000000",
                ["learning.epochs", "at most 1000000", "got 9000000000"],
            ),
            ("batch = 0", ["learning.batch", "at least 1", "got 0"]),
            ("patience = 0", ["learning.patience", "at least 1", "got 0"]),
            ("clip = -0.5", ["learning.clip", "at least 0", "got -0.5"]),
            ("clip = inf", ["learning.clip", "at least 0", "got inf"]),
            (
                "learning_rate = nan",
                ["learning.learning_rate", "above 0", "got NaN"],
            ),
            (
                "learning_rate = inf",
                ["learning.learning_rate", "above 0", "got inf"],
            ),
            (
                "input_noise = -1.0",
                ["learning.input_noise", "at least 0", "got -1"],
            ),
            ("dropout = 1.0", ["learning.dropout", "below 1", "got 1"]),
            (
                "validation = 1.5",
                ["learning.validation", "below 1", "got 1.5"],
            ),
            (
                "fixed_qk = true",
                ["learning.fixed_qk", "hybrid", "reservoir"],
            ),
        ] {
            let config: LearningConfig = toml::from_str(text).expect("it is well formed");
            let sentence = config.validate().expect_err(text).to_string();
            for word in words {
                assert!(sentence.contains(word), "{text}: {sentence}");
            }
        }
        LearningConfig::default()
            .validate()
            .expect("defaults are allowed");
    }

    #[test]
    fn each_regime_trains_what_it_says() {
        let query = ["qkv", "query", "weight"];
        let value = ["qkv", "value", "weight"];
        for (text, expected) in [
            ("regime = 'reservoir'", (false, false)),
            ("regime = 'full'", (true, true)),
            ("regime = 'fixed-qk'", (false, true)),
            ("regime = 'hybrid'", (true, true)),
            ("regime = 'hybrid'\nfixed_qk = true", (false, true)),
        ] {
            let config: LearningConfig = toml::from_str(text).expect("it is well formed");
            let got = (config.trains(&query), config.trains(&value));
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn a_validation_set_is_split_off_by_default_only_where_training_stops_early() {
        let share = |text| {
            toml::from_str::<LearningConfig>(text)
                .unwrap()
                .validation_share()
        };
        assert_eq!(share(""), 0.0);
        assert_eq!(share("regime = 'full'\npatience = 5"), 0.2);
        assert_eq!(share("regime = 'reservoir'\npatience = 5"), 0.0);
        assert_eq!(share("patience = 5\nvalidation = 0.3"), 0.3);
    }
}
