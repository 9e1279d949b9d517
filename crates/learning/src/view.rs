//! What a readout sees: the states of some populations, and which features of them.

use std::collections::HashSet;
use std::ops::Range;

use burn::tensor::{Tensor, backend::Backend};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, CowArray, Ix2, concatenate, s};
use ran_readout::Features;
use ran_reservoir::ReservoirConfig;

use crate::LearningError;

/// What a readout sees of the states.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    /// The features of what is seen.
    pub(crate) features: Features,
    /// The parts of the state that are seen, in order; none where it is seen as a whole.
    parts: Option<Vec<Range<usize>>>,
    d_state: usize,
}

impl View {
    /// The view of some populations, or of all.
    ///
    /// # Errors
    ///
    /// If it names no population, one that does not exist, or one twice.
    pub(crate) fn new(
        reservoir: &ReservoirConfig,
        populations: Option<&[String]>,
        features: Features,
    ) -> Result<Self, LearningError> {
        let parts = populations
            .map(|names| parts(reservoir, names))
            .transpose()?;
        let d_state = match &parts {
            Some(parts) => parts.iter().map(Range::len).sum(),
            None => reservoir.d_state(),
        };
        Ok(Self {
            features,
            parts,
            d_state,
        })
    }

    /// The view of a state as a whole.
    pub(crate) fn whole(d_state: usize, features: Features) -> Self {
        Self {
            features,
            parts: None,
            d_state,
        }
    }

    /// Width of what is seen of a state.
    pub(crate) fn d_state(&self) -> usize {
        self.d_state
    }

    /// Width of a row of features.
    pub(crate) fn width(&self) -> usize {
        self.features.width(self.d_state)
    }

    /// What is seen of the states of some steps.
    ///
    /// # Shapes
    ///
    /// - states: `[steps, N]`
    /// - output: `[steps, d_state]`
    pub(crate) fn states<'a>(&self, states: ArrayView2<'a, f32>) -> CowArray<'a, f32, Ix2> {
        let Some(parts) = &self.parts else {
            return states.into();
        };
        let seen = parts.iter().map(|part| states.slice(s![.., part.clone()]));
        let seen: Vec<ArrayView2<'_, f32>> = seen.collect();
        let seen: Array2<f32> = concatenate(Axis(1), &seen).expect("parts share the steps");
        seen.into()
    }

    /// What is seen of one state.
    ///
    /// # Shapes
    ///
    /// - state: `[N]`
    /// - output: `[d_state]`
    pub(crate) fn state(&self, state: ArrayView1<'_, f32>) -> Array1<f32> {
        self.states(state.insert_axis(Axis(0))).row(0).to_owned()
    }

    /// What is seen of the states of a batch, so that gradients reach it.
    ///
    /// # Shapes
    ///
    /// - states: `[batch, steps, N]`
    /// - output: `[batch, steps, d_state]`
    pub(crate) fn tensor<B: Backend>(&self, states: Tensor<B, 3>) -> Tensor<B, 3> {
        let Some(parts) = &self.parts else {
            return states;
        };
        let seen = parts
            .iter()
            .map(|part| states.clone().narrow(2, part.start, part.len()));
        let mut seen: Vec<_> = seen.collect();
        match seen.len() {
            1 => seen.remove(0),
            _ => Tensor::cat(seen, 2),
        }
    }
}

/// The parts of the state that populations of some names have, in the order of the state.
fn parts(
    reservoir: &ReservoirConfig,
    names: &[String],
) -> Result<Vec<Range<usize>>, LearningError> {
    let wrong = |problem: String| Err(LearningError::config("readout.populations", problem));
    let all = reservoir.populations.iter().enumerate();
    let known: Vec<String> = all.map(|(index, one)| one.name(index)).collect();
    if names.is_empty() {
        return wrong(format!(
            "must name at least one population; there are {}",
            known.join(", ")
        ));
    }
    let mut seen = HashSet::new();
    for name in names {
        if !known.contains(name) {
            return wrong(format!(
                "names {name:?}, which is no population; there are {}",
                known.join(", ")
            ));
        }
        if !seen.insert(name) {
            return wrong(format!(
                "must name each population once, got {name:?} twice"
            ));
        }
    }
    let parts = reservoir.ranges().zip(&known);
    let parts = parts.filter(|(_, name)| seen.contains(name));
    Ok(parts.map(|(range, _)| range).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelConfig;
    use burn_ndarray::NdArray;
    use ndarray::array;

    fn config(populations: &str) -> ModelConfig {
        let text = format!(
            "[reservoir]\ncontext = 1\n\
             [[reservoir.population]]\nname = 'cortex'\nkind = 'tanh-unit'\nunits = 2\nd_unit = 1\n\
             [[reservoir.population]]\nkind = 'tanh-unit'\nunits = 1\nd_unit = 2\n\
             [[reservoir.population]]\nname = 'striatum'\nkind = 'tanh-unit'\nunits = 1\nd_unit = 1\n\
             [readout]\nfeatures = 'mean-and-last'\n{populations}"
        );
        toml::from_str(&text).expect("it is well formed")
    }

    #[test]
    fn a_view_of_populations_has_their_states_in_the_order_of_the_state() {
        let config = config("populations = ['striatum', 'cortex']");
        config.validate().expect("all names are known");
        let view = config.view().expect("all names are known");
        assert_eq!((view.d_state(), view.width()), (3, 6));
        let states = array![[0.0, 1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0, 9.0]];
        let expected = array![[0.0, 1.0, 4.0], [5.0, 6.0, 9.0]];
        assert_eq!(view.states(states.view()), expected);
        assert_eq!(view.state(states.row(1)), expected.row(1));
        let data: Vec<f32> = states.iter().copied().collect();
        let tensor = burn::tensor::TensorData::new(data, [1, 2, 5]);
        let tensor = Tensor::<NdArray<f32>, 3>::from_data(tensor, &Default::default());
        let seen = view.tensor(tensor).into_data().into_vec::<f32>().unwrap();
        assert_eq!(seen, expected.iter().copied().collect::<Vec<_>>());
    }

    #[test]
    fn without_names_the_state_is_seen_as_a_whole() {
        let view = config("").view().expect("nothing is named");
        assert_eq!((view.d_state(), view.width()), (5, 10));
        let states = array![[0.0, 1.0, 2.0, 3.0, 4.0]];
        assert_eq!(view.states(states.view()), states);
    }

    #[test]
    fn unknown_doubled_and_no_names_get_a_sentence() {
        for (populations, words) in [
            (
                "populations = ['cortx']",
                &["\"cortx\"", "cortex, tanh-unit-1, striatum"][..],
            ),
            ("populations = []", &["at least one", "cortex, tanh-unit-1"]),
            (
                "populations = ['cortex', 'cortex']",
                &["each population once", "\"cortex\" twice"],
            ),
        ] {
            let error = config(populations).validate().expect_err(populations);
            assert_eq!(error.key(), Some("readout.populations"));
            for word in words {
                assert!(error.to_string().contains(word), "{populations}: {error}");
            }
        }
    }
}
