//! How long a step of a network takes, on any backend, and how much of what the processor can do it uses.

use std::time::{Duration, Instant};

use burn::backend::Autodiff;
use burn::tensor::{Distribution, Tensor, TensorData, backend::Backend};
use ran_experiment::{BackendError, BackendKind, Work, compute};
use ran_learning::LearningBackend;
use ran_readout::product;
use ran_reservoir::{
    MemoryKind, PopulationConfig, Reservoir, ReservoirConfig, ReservoirError, UnitKind, WiringKind,
};
use ran_unit::Initializer;
use serde::Serialize;

use crate::case::Case;
use crate::peak::Peak;

/// How long runs are not counted.
const WARM_UP: Duration = Duration::from_millis(300);

/// Inputs and outputs of every measured network, those of Japanese Vowels.
const D_INPUT: usize = 12;
const D_OUTPUT: usize = 9;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The states of every step, from weights that are in order before, and the readout of the last.
    Forward,
    /// A training step: the readout of every step, the mean of its squares, and the gradients of all weights.
    Train,
}

/// What is measured of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Attention blocks in an identity wiring.
    AttentionBlocks,
    /// A classical echo state network: U·D tanh neurons, each of which reads a tenth of the others.
    EchoState,
    /// One attention block as wide as all units together, with a head for each of them: a causal Transformer's
    /// block at a place that has `context` rows before it.
    Transformer,
}

/// One measurement, as `bench --json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    /// Always `"ran"`; the peers have other names.
    pub framework: &'static str,
    /// The backend's name.
    pub backend: &'static str,
    /// The network, where it is not one of attention blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<&'static str>,
    /// The working memory.
    pub memory: MemoryKind,
    /// What was measured.
    pub phase: Phase,
    /// units,dim,context,batch,steps.
    pub case: String,
    /// Microseconds per step of the whole batch: the median of several runs.
    pub us_per_step: f64,
    /// Billions of operations a second: two for each multiply-add that the network needs. Training counts three times the
    /// forward pass, whatever is computed again.
    pub gflops: f64,
    /// The widest vectors that the scan may use, on ndarray.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vectors: Option<&'static str>,
    /// What share of the processor's [`Peak`] with these vectors that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_of_peak: Option<f64>,
}

impl Measurement {
    /// The same beside what the processor can do, where it is the processor that computed.
    #[must_use]
    pub fn beside(self, peak: &Peak) -> Self {
        let fastest = peak.fastest().filter(|_| self.backend == "ndarray");
        let share = fastest.map(|(_, gflops)| (self.gflops / gflops * 1e4).round() / 1e4);
        Self {
            vectors: fastest.map(|(name, _)| name),
            share_of_peak: share,
            ..self
        }
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug)]
struct Measured {
    us_per_step: f64,
    /// Of a step of the whole batch.
    multiply_adds: f64,
}

/// Why nothing can be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The backend cannot be used.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The sizes do not make a network.
    #[error(transparent)]
    Reservoir(#[from] ReservoirError),
}

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct Bench {
    /// The network.
    pub network: Network,
    /// Its sizes.
    pub case: Case,
    /// Its memory.
    pub memory: MemoryKind,
    /// What of it.
    pub phase: Phase,
    /// How many runs the median is taken of, after some that are not counted.
    pub repeats: usize,
}

impl Bench {
    /// Measures on a backend.
    ///
    /// # Errors
    ///
    /// When the backend is not there, or the sizes do not make a network.
    pub fn measure(self, backend: BackendKind) -> Result<Measurement, BenchError> {
        let Measured {
            us_per_step,
            multiply_adds,
        } = compute(backend, Job(self))??;
        Ok(Measurement {
            framework: "ran",
            backend: backend.name(),
            network: match self.network {
                Network::AttentionBlocks => None,
                Network::EchoState => Some("echo-state"),
                Network::Transformer => Some("transformer"),
            },
            memory: self.memory,
            phase: self.phase,
            case: self.case.to_string(),
            us_per_step: (us_per_step * 100.0).round() / 100.0,
            gflops: (2.0 * multiply_adds / us_per_step / 10.0).round() / 100.0,
            vectors: None,
            share_of_peak: None,
        })
    }

    fn config(&self) -> ReservoirConfig {
        let Case {
            units,
            d_unit,
            context,
            ..
        } = self.case;
        let population = match self.network {
            Network::AttentionBlocks => {
                PopulationConfig::new(UnitKind::AttentionBlock, units, d_unit)
            }
            Network::EchoState => PopulationConfig::new(UnitKind::TanhUnit, units * d_unit, 1),
            Network::Transformer => {
                let block = PopulationConfig::new(UnitKind::AttentionBlock, 1, units * d_unit);
                PopulationConfig {
                    heads: Some(units),
                    ..block
                }
            }
        };
        let mut config = ReservoirConfig::new(context, vec![population]);
        config.memory = self.memory;
        if self.network == Network::EchoState {
            config.wiring = WiringKind::Sparse;
            config.fan_in = Some((units * d_unit / 10).max(1));
            config.leak = 0.3.into();
        }
        config
    }

    fn random<B: Backend, const R: usize>(shape: [usize; R], device: &B::Device) -> Tensor<B, R> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
    }

    /// The median of runs, in microseconds per step. Runs that are not counted come first, until threads, memory and
    /// the processor's clock have settled.
    fn median(&self, mut run: impl FnMut()) -> f64 {
        let begin = Instant::now();
        run();
        while begin.elapsed() < WARM_UP {
            run();
        }
        let mut times: Vec<f64> = (0..self.repeats.max(1))
            .map(|_| {
                let start = Instant::now();
                run();
                start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2] / self.case.steps as f64 * 1e6
    }

    fn forward<B: LearningBackend>(&self, device: &B::Device) -> Result<Measured, ReservoirError> {
        let Case { batch, steps, .. } = self.case;
        let reservoir =
            Reservoir::<B>::init(&self.config(), D_INPUT, Initializer::Reservoir, 0, device)?;
        let inputs = Self::random([batch, steps, D_INPUT], device);
        let readout = Self::random::<B, 2>([reservoir.d_state(), D_OUTPUT], device);
        let multiply_adds = self.multiply_adds(reservoir.multiply_adds(), reservoir.d_state());
        // On the host, as passes without gradients are made: the weights are in order before, the room for states is kept.
        let us_per_step = match reservoir.prepare().map(|prepared| prepared.start(batch)) {
            Some(mut stream) => {
                let inputs = inputs.into_data().convert::<f32>();
                let inputs: &[f32] = inputs.as_slice().expect("inputs were converted to f32");
                let d_state = reservoir.d_state();
                self.median(|| {
                    stream.restart(batch);
                    let states = stream.run(inputs, None).chunks_exact(d_state);
                    let last: Vec<f32> = states
                        .skip(steps - 1)
                        .step_by(steps)
                        .flatten()
                        .copied()
                        .collect();
                    let last = Tensor::from_data(TensorData::new(last, [batch, d_state]), device);
                    product(last, readout.clone()).sum().into_data();
                })
            }
            None => self.median(|| {
                let start = reservoir.start(batch, device);
                let (_, memory) = reservoir.forward(inputs.clone(), start, None);
                // Reading a number back waits for the device.
                product(memory.state(), readout.clone()).sum().into_data();
            }),
        };
        Ok(Measured {
            us_per_step,
            multiply_adds,
        })
    }

    fn train<B: LearningBackend>(&self, device: &B::Device) -> Result<Measured, ReservoirError> {
        type A<B> = Autodiff<B>;
        let Case { batch, steps, .. } = self.case;
        let reservoir =
            Reservoir::<A<B>>::init(&self.config(), D_INPUT, Initializer::Trained, 0, device)?;
        let d_state = reservoir.d_state();
        let inputs = Self::random::<A<B>, 3>([batch, steps, D_INPUT], device);
        let readout =
            Self::random::<A<B>, 2>([d_state, D_OUTPUT], device) / (d_state as f64).sqrt();
        let readout = readout.detach().require_grad();
        let multiply_adds = self.multiply_adds(reservoir.multiply_adds(), d_state);
        let us_per_step = self.median(|| {
            let start = reservoir.start(batch, device);
            let (states, _) = reservoir.forward(inputs.clone(), start, None);
            // One product for all sequences and steps.
            let states = states.reshape([batch * steps, d_state]);
            let outputs = product(states, readout.clone());
            let loss = outputs.powi_scalar(2).mean() * steps as f64;
            let gradients = loss.backward();
            let gradient = readout.grad(&gradients).expect("the readout has one");
            gradient.sum().into_data();
        });
        Ok(Measured {
            us_per_step,
            multiply_adds,
        })
    }

    /// Multiply-adds of a step of the whole batch: those of the reservoir, and of the readout of the last step or of all.
    /// Each product has two in its backward pass.
    pub fn multiply_adds(&self, reservoir: usize, d_state: usize) -> f64 {
        let Case { batch, steps, .. } = self.case;
        let readout = (d_state * D_OUTPUT) as f64;
        let step = match self.phase {
            Phase::Forward => reservoir as f64 + readout / steps as f64,
            Phase::Train => 3.0 * (reservoir as f64 + readout),
        };
        step * batch as f64
    }
}

struct Job(Bench);

impl Work for Job {
    type Output = Result<Measured, ReservoirError>;

    fn on<B: LearningBackend>(self, device: &B::Device) -> Self::Output {
        match self.0.phase {
            Phase::Forward => self.0.forward::<B>(device),
            Phase::Train => self.0.train::<B>(device),
        }
    }
}
