//! What goes on in a model while it reads sequences: states, weights of attention, features and predictions.

use std::ops::ControlFlow;

use burn::tensor::{Tensor, TensorData};
use ndarray::{ArrayView2, ArrayView3, s};
use ran_reservoir::{Memory, Reservoir, ScanBackend};
use ran_tasks::Sample;
use safetensors::{Dtype, SafeTensors};

use crate::states::pad;
use crate::{LearningError, Model};

/// Sequences that go through the reservoir together.
const BATCH: usize = 64;
/// Numbers of a piece of a batch that are in memory at once.
const PIECE: usize = 1 << 22;
/// Steps of a batch's piece, however narrow.
const MOST_STEPS: usize = 1 << 10;

/// Some steps of a sequence.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The sequence's place.
    pub sequence: usize,
    /// The first of the steps.
    pub step: usize,
    /// A row per step.
    pub rows: ArrayView2<'a, f32>,
}

/// Some rows of a sequence's features, and predictions that follow from them.
#[derive(Clone, Copy, Debug)]
pub struct ScoredRows<'a> {
    /// The sequence's place.
    pub sequence: usize,
    /// The place of the first of the rows among the sequence's.
    pub first_row: usize,
    /// `[rows, d_features]`.
    pub features: ArrayView2<'a, f32>,
    /// The place of the first of the predictions among the sequence's scored steps.
    pub first_scored: usize,
    /// `[scored steps, d_output]`; there may be fewer than rows.
    pub predictions: ArrayView2<'a, f32>,
}

/// A tensor of a model file.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelTensor {
    /// Its name in the file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers, in C order.
    pub numbers: ModelNumbers,
}

/// The numbers of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelNumbers {
    /// Weights.
    Floats(Vec<f32>),
    /// Places in the wiring.
    Integers(Vec<i64>),
}

impl<B: ScanBackend> Model<B> {
    /// Hands over the states of sequences whose inputs are standardised already, piece by piece: rows of `d_state`. The
    /// pieces of a sequence come in the order of its steps; `visit` can break off.
    pub fn each_state(
        &self,
        samples: &[Sample],
        device: &B::Device,
        visit: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    ) {
        let reservoir = &self.reservoir;
        let width = reservoir.d_state();
        let _ = each_batch(reservoir, samples, width, device, &mut |batch, memory| {
            let (states, memory) = reservoir.forward(batch.inputs.clone(), memory, None);
            let dims = states.dims();
            let states = states.into_data().convert::<f32>();
            let states = states.as_slice().expect("states were converted to f32");
            let states = ArrayView3::from_shape(dims, states).expect("states have their dims");
            batch.hand_over(states, visit)?;
            ControlFlow::Continue(memory)
        });
    }

    /// Hands over the weights of attention of a population's units, piece by piece: rows of units × heads × queries ×
    /// context numbers in C order, where there is one query with `sliding` memory and there are C with `rewritten` memory, C being
    /// the rows of context. They are computed step by step in burn operations, as
    /// [`Reservoir::attention`] does. Nothing is handed over of a population that does not attend.
    pub fn each_attention(
        &self,
        population: usize,
        samples: &[Sample],
        device: &B::Device,
        visit: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    ) {
        let reservoir = &self.reservoir;
        let width = self.attention_shape(population).iter().product();
        if width == 0 {
            return;
        }
        let _ = each_batch(reservoir, samples, width, device, &mut |batch, memory| {
            let [count, steps, _] = batch.inputs.dims();
            let mut weights = ndarray::Array3::<f32>::zeros((count, steps, width));
            let inputs = batch.inputs.clone();
            let memory = reservoir.attention(inputs, memory, &mut |step, place, tensor| {
                if place != population {
                    return;
                }
                let data = tensor.into_data().convert::<f32>();
                let data = data.as_slice().expect("weights were converted to f32");
                let rows = ArrayView2::from_shape((count, width), data);
                let rows = rows.expect("weights have their dims");
                weights.slice_mut(s![.., step, ..]).assign(&rows);
            });
            batch.hand_over(weights.view(), visit)?;
            ControlFlow::Continue(memory)
        });
    }

    /// The shape of the weights of attention of a population at a step: `[units, heads, queries, context]`, or all zeros
    /// where it does not attend.
    ///
    /// # Panics
    ///
    /// If there is no such population.
    pub fn attention_shape(&self, population: usize) -> [usize; 4] {
        let config = &self.card.config.reservoir.populations[population];
        if !config.kind.attends() {
            return [0; 4];
        }
        let (queries, context) = (self.reservoir.queries(), self.reservoir.context());
        [config.units, config.heads.unwrap_or(1), queries, context]
    }

    /// Hands over rows of features of sequences (see [`ran_readout::Features::rows`]) and the predictions that follow from
    /// them, as [`Model::predict`] gives them. Sequences come in any order, the rows of a long one in several pieces; `visit`
    /// can break off.
    pub fn each_prediction(
        &self,
        samples: &[Sample],
        device: &B::Device,
        visit: &mut dyn FnMut(ScoredRows<'_>) -> ControlFlow<()>,
    ) {
        // `visit` knows where it has broken off.
        let _ = self.follow(
            samples,
            device,
            &mut |_| true,
            &mut |piece, found, scored| {
                visit(ScoredRows {
                    sequence: piece.index,
                    first_row: piece.first,
                    features: piece.rows.view(),
                    first_scored: scored.start,
                    predictions: found[piece.index].slice(s![scored, ..]),
                })
            },
        );
    }

    /// The tensors of the model as they stand in its file, in the order of their names.
    ///
    /// # Errors
    ///
    /// If the numbers cannot be serialised.
    pub fn tensors(&self) -> Result<Vec<ModelTensor>, LearningError> {
        let bytes = self.to_bytes()?;
        let failed =
            |problem: String| LearningError::ModelFile(format!("cannot be read: {problem}"));
        let file = SafeTensors::deserialize(&bytes).map_err(|error| failed(error.to_string()))?;
        let mut names = file.names();
        names.sort_unstable();
        let tensors = names.into_iter().map(|name| {
            let tensor = file
                .tensor(name)
                .map_err(|error| failed(error.to_string()))?;
            let data = tensor.data();
            let numbers = match tensor.dtype() {
                Dtype::F32 => ModelNumbers::Floats(each_number(data, f32::from_le_bytes)),
                Dtype::I32 => {
                    let numbers = each_number(data, i32::from_le_bytes).into_iter();
                    ModelNumbers::Integers(numbers.map(i64::from).collect())
                }
                Dtype::I64 => ModelNumbers::Integers(each_number(data, i64::from_le_bytes)),
                other => return Err(failed(format!("{name} is of type {other:?}"))),
            };
            Ok(ModelTensor {
                name: name.into(),
                shape: tensor.shape().to_vec(),
                numbers,
            })
        });
        tensors.collect()
    }
}

fn each_number<const N: usize, T>(data: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = data.as_chunks::<N>();
    chunks.iter().map(|chunk| number(*chunk)).collect()
}

/// Some steps of sequences of similar length.
struct Batch<'a, B: ScanBackend> {
    samples: &'a [Sample],
    /// The places of the sequences.
    sequences: &'a [usize],
    /// The first of the steps.
    step: usize,
    /// `[batch, steps, d_input]`.
    inputs: Tensor<B, 3>,
}

impl<B: ScanBackend> Batch<'_, B> {
    /// Hands over the rows of each sequence, `[batch, steps, width]`, without the padding.
    fn hand_over(
        &self,
        rows: ArrayView3<'_, f32>,
        visit: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for (place, &sequence) in self.sequences.iter().enumerate() {
            let left = self.samples[sequence].inputs.nrows();
            let steps = left.saturating_sub(self.step).min(rows.dim().1);
            if steps > 0 {
                let step = self.step;
                let rows = rows.slice(s![place, ..steps, ..]);
                visit(Piece {
                    sequence,
                    step,
                    rows,
                })?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Runs a piece with the memory before it, and gives the memory after it.
type RunPiece<'r, B> = dyn FnMut(&Batch<'_, B>, Memory<B>) -> ControlFlow<(), Memory<B>> + 'r;

/// Cuts sequences into batches, and these into pieces, each of which has about [`PIECE`] numbers where a step of a sequence
/// has `width`; `run` gets a piece and the memory before it, and gives the memory after it.
fn each_batch<B: ScanBackend>(
    reservoir: &Reservoir<B>,
    samples: &[Sample],
    width: usize,
    device: &B::Device,
    run: &mut RunPiece<'_, B>,
) -> ControlFlow<()> {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.sort_by_key(|&index| samples[index].inputs.nrows());
    for sequences in order.chunks(BATCH) {
        let longest = sequences.iter().map(|&index| samples[index].inputs.nrows());
        let longest = longest.max().unwrap_or(0);
        let most = (PIECE / (sequences.len() * width).max(1)).clamp(1, MOST_STEPS);
        let mut memory = reservoir.start(sequences.len(), device);
        for step in (0..longest).step_by(most) {
            let until = longest.min(step + most);
            let inputs = sequences.iter().map(|&index| {
                let inputs = &samples[index].inputs;
                let (first, last) = (step.min(inputs.nrows()), until.min(inputs.nrows()));
                inputs.slice(s![first..last, ..])
            });
            let (inputs, shape) = pad(inputs, until - step);
            let batch = Batch {
                samples,
                sequences,
                step,
                inputs: Tensor::from_data(TensorData::new(inputs, shape), device),
            };
            memory = run(&batch, memory)?;
        }
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Readout;
    use approx::assert_abs_diff_eq;
    use burn_ndarray::NdArray;
    use ndarray::{Array2, Axis, concatenate};
    use ran_readout::Features;
    use ran_tasks::{Dataset, TaskConfig};

    use crate::{ModelConfig, train};

    type B = NdArray<f32>;

    fn model(memory: &str) -> (Model<B>, Dataset) {
        let text = format!(
            "reservoir = {{ context = 3, memory = '{memory}', population = [\
             {{ kind = 'attention-block', units = 2, d_unit = 4, heads = 2, output = 'tanh' }}, \
             {{ kind = 'tanh-unit', units = 3, d_unit = 1 }}, {{ kind = 'qkv-unit', units = 2, d_unit = 3, output = 'tanh' }}] }}"
        );
        let config: ModelConfig = toml::from_str(&text).unwrap();
        let task = "name = 'narma'\nwarm_up = 20\ntrain = 1400\nvalid = 0\ntest = 1300";
        let task: TaskConfig = toml::from_str(task).unwrap();
        let mut dataset = task.load(0).unwrap();
        // A shorter sequence beside a long one, which comes in several pieces.
        let mut short = dataset.train[0].clone();
        short.inputs = short.inputs.slice(s![..30, ..]).to_owned();
        short.scored = vec![20, 29];
        short.targets = short.targets.slice(s![..2, ..]).to_owned();
        dataset.train.push(short);
        let trained = train::<B>(&config, &dataset, 0, &Default::default(), &mut |_| {});
        (trained.unwrap().model, dataset)
    }

    /// All rows of each sequence, and how many pieces they came in.
    fn gathered(
        samples: &[Sample],
        width: usize,
        each: impl FnOnce(&mut dyn FnMut(Piece<'_>) -> ControlFlow<()>),
    ) -> (Vec<Array2<f32>>, usize) {
        let mut rows = vec![Array2::zeros((0, width)); samples.len()];
        let mut pieces = 0;
        each(&mut |piece| {
            let before = &mut rows[piece.sequence];
            assert_eq!(before.nrows(), piece.step);
            *before = concatenate![Axis(0), before.view(), piece.rows];
            pieces += 1;
            ControlFlow::Continue(())
        });
        (rows, pieces)
    }

    #[test]
    fn states_of_pieces_give_the_features_and_these_the_predictions() {
        for memory in ["sliding", "rewritten"] {
            let (model, dataset) = model(memory);
            let (samples, device) = (&dataset.train[..], Default::default());
            let (states, pieces) = gathered(samples, model.reservoir.d_state(), |visit| {
                model.each_state(samples, &device, visit);
            });
            assert!(pieces > samples.len(), "{pieces}");
            let predicted = model.predict(samples, &device);
            let readout = Readout::of(&model.readout, model.card.link());
            let mut seen = 0;
            model.each_prediction(samples, &device, &mut |found| {
                let index = found.sequence;
                let rows = Features::MeanAndLast.rows(states[index].view(), &samples[index].scored);
                let own = found.first_row..found.first_row + found.features.nrows();
                for (a, b) in rows.slice(s![own, ..]).iter().zip(found.features) {
                    assert_abs_diff_eq!(a, b, epsilon = 1e-4);
                }
                assert_eq!(readout.outputs(found.features), found.predictions);
                let scored = found.first_scored..found.first_scored + found.predictions.nrows();
                assert_eq!(predicted[index].slice(s![scored, ..]), found.predictions);
                seen += found.predictions.nrows();
                ControlFlow::Continue(())
            });
            let scored = samples.iter().map(|sample| sample.scored.len());
            assert_eq!(seen, scored.sum::<usize>());
        }
    }

    #[test]
    fn weights_of_attention_sum_to_one_for_each_unit_head_and_row() {
        for (memory, queries) in [("sliding", 1), ("rewritten", 3)] {
            let (model, dataset) = model(memory);
            let (samples, device) = (&dataset.train[1..], Default::default());
            for (place, shape) in [[2, 2, queries, 3], [0; 4], [2, 1, queries, 3]]
                .into_iter()
                .enumerate()
            {
                assert_eq!(model.attention_shape(place), shape);
                let width = shape.iter().product();
                let (rows, pieces) = gathered(samples, width, |visit| {
                    model.each_attention(place, samples, &device, visit);
                });
                if width == 0 {
                    assert_eq!(pieces, 0);
                    continue;
                }
                assert_eq!(rows[0].nrows(), 30);
                let weights = rows[0].as_slice().unwrap();
                for weights in weights.chunks(3) {
                    assert_abs_diff_eq!(weights.iter().sum::<f32>(), 1.0, epsilon = 1e-5);
                }
                // Units attend in ways of their own once there is something to attend to.
                let uneven = |weight: &f32| (weight - 1.0 / 3.0).abs() > 1e-4;
                assert!(weights.iter().any(uneven));
            }
        }
    }

    #[test]
    fn whoever_looks_can_break_off() {
        let (model, dataset) = model("sliding");
        let mut seen = 0;
        let mut visit = |_: Piece<'_>| {
            seen += 1;
            ControlFlow::Break(())
        };
        model.each_state(&dataset.train, &Default::default(), &mut visit);
        assert_eq!(seen, 1);
    }

    #[test]
    fn tensors_have_the_names_and_numbers_of_the_file() {
        let (model, _) = model("sliding");
        let tensors = model.tensors().unwrap();
        let find = |name: &str| tensors.iter().find(|tensor| tensor.name == name);
        let bias = find("readout.bias").unwrap();
        assert_eq!(bias.shape, [1]);
        let expected = model
            .readout
            .bias
            .val()
            .into_data()
            .into_vec::<f32>()
            .unwrap();
        assert_eq!(bias.numbers, ModelNumbers::Floats(expected));
        let offsets = find("wiring.offsets").unwrap();
        assert!(matches!(&offsets.numbers, ModelNumbers::Integers(numbers) if numbers[0] == 0));
        assert!(
            tensors
                .iter()
                .any(|tensor| tensor.name.starts_with("reservoir."))
        );
    }
}
