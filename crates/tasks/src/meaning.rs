//! What a task's numbers stand for, for those who look at them.

use crate::pixels::{PixelOrder, permutation};
use crate::{TaskConfig, TaskError};
use ndarray::{Array2, ArrayView2};

impl TaskConfig {
    /// The image `[height, width]` whose pixels a sequence `[steps, d_input]` reads; none for a task without images.
    #[must_use]
    pub fn image(&self, inputs: ArrayView2<'_, f32>) -> Option<Array2<f32>> {
        let (order, side) = match self {
            Self::SequentialDigits(config) => (config.order, 8),
            Self::SequentialMnist(config) => (config.order, 28),
            Self::FashionMnist(config) => (config.order, 28),
            _ => return None,
        };
        let permutation = match order {
            PixelOrder::Permuted => permutation(side * side),
            _ => Vec::new(),
        };
        order.draw(inputs, [side, side], &permutation)
    }

    /// The names of the input channels that a task knows without its data; empty where they have none but their numbers.
    ///
    /// # Errors
    ///
    /// When a key that they follow from has a value that is not allowed.
    pub(crate) fn channels(&self) -> Result<Vec<String>, TaskError> {
        match self {
            Self::CrossSituation(config) => config.vocabulary(),
            Self::Lorenz(_) | Self::ChaoticForecasting(_) => {
                Ok(["x", "y", "z"].map(String::from).into())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The names of outputs that are numbers and that a task knows without its data; empty where they have none but their
    /// numbers. Classes and labels have theirs in [`Dataset::labels`](crate::Dataset::labels).
    pub(crate) fn outputs(&self) -> Vec<String> {
        match self {
            Self::Lorenz(_) | Self::ChaoticForecasting(_) => {
                ["x", "y", "z"].map(String::from).into()
            }
            Self::MackeyGlass(_) => vec!["x".into()],
            Self::Narma(_) => vec!["y".into()],
            Self::SantaFe(_) => vec!["intensity".into()],
            Self::MemoryCapacity(config) => {
                let delays = 1..=config.delays;
                delays.map(|delay| format!("delay {delay}")).collect()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(text: &str) -> TaskConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn every_order_of_pixels_gives_the_same_image() {
        let image = |order: &str| {
            let task = task(&format!(
                "name = 'sequential-digits'\norder = '{order}'\nstandardise = false"
            ));
            let dataset = task.load(0).unwrap();
            task.image(dataset.train[0].inputs.view()).unwrap()
        };
        let rows = image("rows");
        assert_eq!(rows.dim(), (8, 8));
        for order in ["columns", "pixels", "permuted"] {
            assert_eq!(image(order), rows, "{order}");
        }
    }

    #[test]
    fn outputs_have_names_where_there_are_some() {
        for (text, names) in [
            ("name = 'lorenz'", &["x", "y", "z"][..]),
            (
                "name = 'memory-capacity'\ndelays = 2",
                &["delay 1", "delay 2"],
            ),
            ("name = 'japanese-vowels'", &[]),
        ] {
            assert_eq!(task(text).outputs(), names, "{text}");
        }
    }

    #[test]
    fn channels_have_names_where_there_are_some() {
        for (text, count) in [
            ("name = 'cross-situation'", 13),
            ("name = 'lorenz'", 3),
            ("name = 'narma'", 0),
        ] {
            let task = task(text);
            assert_eq!(task.channels().unwrap().len(), count, "{text}");
        }
        let words = task("name = 'cross-situation'").channels().unwrap();
        assert!(words.contains(&"orange".to_string()), "{words:?}");
        assert!(
            task("name = 'narma'")
                .image(Array2::zeros((8, 8)).view())
                .is_none()
        );
    }
}
