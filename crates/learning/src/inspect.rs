//! What goes on in a model while it reads sequences: states, weights of attention, features and predictions.

use std::ops::ControlFlow;

use burn::tensor::{Tensor, TensorData};
use ndarray::{ArrayView2, ArrayView3, s};
use ran_reservoir::ScanBackend;
use ran_tasks::Sample;
use safetensors::{Dtype, SafeTensors};

use crate::backbone::Backbone;
use crate::core::Memory;
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
        let backbone = &self.backbone;
        let width = backbone.core.d_state();
        let _ = each_batch(backbone, samples, width, device, &mut |batch, memory| {
            let (states, memory) = backbone.forward(batch.inputs.clone(), memory, None, None);
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
    /// [`Reservoir::attention`](ran_reservoir::Reservoir::attention) does. Nothing is handed over of a population that does not attend.
    pub fn each_attention(
        &self,
        population: usize,
        samples: &[Sample],
        device: &B::Device,
        visit: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    ) {
        let backbone = &self.backbone;
        let width = self.attention_shape(population).iter().product();
        let Some(reservoir) = self.reservoir().filter(|_| width > 0) else {
            return;
        };
        let _ = each_batch(backbone, samples, width, device, &mut |batch, memory| {
            let [count, steps, _] = batch.inputs.dims();
            let mut weights = ndarray::Array3::<f32>::zeros((count, steps, width));
            let inputs = backbone.encode(batch.inputs.clone());
            let Memory::Reservoir(memory) = memory else {
                unreachable!("a reservoir has a reservoir's memory");
            };
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
            ControlFlow::Continue(Memory::Reservoir(memory))
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
        let Some(reservoir) = self.reservoir().filter(|_| config.kind.attends()) else {
            return [0; 4];
        };
        let (queries, context) = (reservoir.queries(), reservoir.context());
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

/// The numbers that bytes hold, N bytes each.
pub(crate) fn each_number<const N: usize, T>(data: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
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
    backbone: &Backbone<B>,
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
        let mut memory = backbone.core.start(sequences.len(), device);
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
