//! A kind that is registered stands in configurations beside the project's kinds.

use burn::backend::Autodiff;
use burn::module::{AutodiffModule, Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData, backend::Backend};
use burn_ndarray::{NdArray, NdArrayDevice};
use ran_reservoir::{
    Kind, PopulationConfig, Reservoir, ReservoirConfig, ScanBackend, Unit, UnitKind, UnitShape,
    register,
};
use ran_unit::{Initializer, uniform};
use rand::Rng;
use serde::Deserialize;

use crate::alone;

type B = Autodiff<NdArray>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

/// Answers with tanh(s·(g ⊙ z)), row by row, and then a constant that was drawn.
#[derive(Module, Debug)]
struct Scaled<B: Backend> {
    gain: Param<Tensor<B, 2>>,
    offset: Tensor<B, 1>,
    scale: f64,
}

impl<B: Backend> Unit<B> for Scaled<B> {
    fn shape(&self) -> UnitShape {
        let [units, d_unit] = self.gain.shape().dims();
        UnitShape { units, d_unit }
    }

    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4> {
        let gain = self.gain.val().unsqueeze_dims(&[0, 2]);
        let offset = self.offset.clone().unsqueeze();
        (window * gain * self.scale).tanh() + offset
    }

    fn multiply_adds(&self, _context: usize, rows: usize) -> usize {
        rows * self.shape().d_unit
    }
}

struct ScaledKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaledOptions {
    scale: f64,
}

impl Kind for ScaledKind {
    const NAME: &'static str = "scaled";
    type Options = ScaledOptions;
    type Unit<B: Backend> = Scaled<B>;

    fn check(options: &ScaledOptions, _shape: UnitShape) -> Result<(), String> {
        match options.scale > 0.0 {
            true => Ok(()),
            false => Err(format!("must have a scale above 0, got {}", options.scale)),
        }
    }

    fn init<B: Backend>(
        options: &ScaledOptions,
        UnitShape { units, d_unit }: UnitShape,
        _initializer: Initializer,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Scaled<B> {
        let gain = TensorData::new(uniform(units * d_unit, 1.0, rng), [units, d_unit]);
        let offset = TensorData::new(uniform(1, 0.1, rng), [1]);
        Scaled {
            gain: Param::from_data(gain, device),
            offset: Tensor::from_data(offset, device),
            scale: options.scale,
        }
    }
}

/// Two populations, one of the own kind and one of the project's.
fn config(options: &str) -> Result<ReservoirConfig, String> {
    register::<ScaledKind>().map_err(|error| error.to_string())?;
    let own = format!(r#"{{"kind": "scaled", "units": 3, "d_unit": 2, "options": {options}}}"#);
    let own: PopulationConfig = serde_json::from_str(&own).map_err(|error| error.to_string())?;
    let block = PopulationConfig::new(UnitKind::AttentionBlock, 2, 4);
    let config = ReservoirConfig::new(3, vec![own, block]);
    config.validate().map_err(|error| error.to_string())?;
    Ok(config)
}

fn reservoir() -> Reservoir<B> {
    let config = config(r#"{"scale": 2.0}"#).expect("the options are right");
    Reservoir::init(&config, 2, Initializer::Reservoir, 7, &DEVICE).expect("a reservoir")
}

fn signal<B: Backend>(device: &B::Device) -> Tensor<B, 3> {
    let numbers: Vec<f32> = (0..20).map(|at| (at as f32 * 0.7).sin()).collect();
    Tensor::from_data(TensorData::new(numbers, [1, 10, 2]), device)
}

fn states<B: ScanBackend>(reservoir: &Reservoir<B>, device: &B::Device) -> Vec<f32> {
    let start = reservoir.start(1, device);
    let (states, _) = reservoir.forward(signal(device), start, None);
    states.into_data().into_vec().expect("states are f32")
}

#[test]
fn a_registered_kind_is_mixed_with_the_projects_kinds_and_its_parameters_are_trained() {
    let reservoir = reservoir();
    assert_eq!(reservoir.d_state(), 14);
    let own = &reservoir.populations[0];
    assert_eq!(own.num_params(), 6);
    let _turn = alone();
    let start = reservoir.start(1, &DEVICE);
    let (states, _) = reservoir.forward(signal(&DEVICE), start, None);
    let loss = states.powi_scalar(2).sum();
    let gradients = GradientsParams::from_grads(loss.backward(), &reservoir);
    let mut moved = Moved(&gradients, 0);
    own.visit(&mut moved);
    assert_eq!(moved.1, 1, "the gains have a gradient");
}

/// Counts the parameters whose gradient is not zero.
struct Moved<'a>(&'a GradientsParams, usize);

impl ModuleVisitor<B> for Moved<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let gradient = self.0.get::<NdArray, D>(param.id);
        let gradient = gradient.map(|gradient| gradient.abs().sum().into_scalar());
        self.1 += usize::from(gradient.is_some_and(|sum| sum > 0.0));
    }
}

struct Double;

impl ModuleMapper<B> for Double {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        param.map(|tensor| (tensor * 2.0).detach().require_grad())
    }
}

#[test]
fn the_units_without_automatic_differentiation_give_the_same_states_drawn_constants_included() {
    let reservoir = reservoir();
    let expected = states(&reservoir, &DEVICE);
    // Other gains than those that were drawn, so that a population drawn again would differ.
    let doubled = reservoir.map(&mut Double);
    let changed = states(&doubled, &DEVICE);
    assert_ne!(changed, expected);
    let inner: Reservoir<NdArray> = doubled.valid();
    assert_eq!(states(&inner, &DEVICE), changed);
    let back = Reservoir::<B>::from_inner(inner);
    assert_eq!(states(&back, &DEVICE), changed);
}

#[test]
fn wrong_options_of_a_registered_kind_get_a_sentence() {
    for (options, expected) in [
        (
            r#"{"scale": -1}"#,
            "reservoir.population[0].options must have a scale above 0, got -1",
        ),
        (
            r#"{"scala": 1}"#,
            "reservoir.population[0].options of kind \"scaled\": unknown field `scala`, expected `scale`",
        ),
    ] {
        assert_eq!(
            config(options).expect_err("the options are wrong"),
            expected
        );
    }
    let mut wrong = config(r#"{"scale": 2}"#).expect("the options are right");
    wrong.populations[0].heads = Some(1);
    assert_eq!(
        wrong.validate().expect_err("no heads").to_string(),
        "reservoir.population[0].heads is not an option of kind \"scaled\", which has: initializer, options, reads, fan_in"
    );
}

#[test]
fn a_kind_that_nobody_registered_and_a_name_that_is_taken_are_refused() {
    let unknown = r#"{"kind": "nobodys", "units": 1, "d_unit": 1}"#;
    let error = serde_json::from_str::<PopulationConfig>(unknown).expect_err("it is unknown");
    let error = error.to_string();
    assert!(
        error.contains("unknown variant `nobodys`, expected one of `attention-block`"),
        "{error}"
    );

    struct Impostor;
    impl Kind for Impostor {
        const NAME: &'static str = "tanh-unit";
        type Options = ScaledOptions;
        type Unit<B: Backend> = Scaled<B>;

        fn init<B: Backend>(
            options: &ScaledOptions,
            shape: UnitShape,
            initializer: Initializer,
            rng: &mut impl Rng,
            device: &B::Device,
        ) -> Scaled<B> {
            ScaledKind::init(options, shape, initializer, rng, device)
        }
    }
    let error = register::<Impostor>().expect_err("the name is taken");
    assert_eq!(
        error.to_string(),
        "the kind of unit \"tanh-unit\" is the name of another kind already"
    );
}

#[test]
fn a_backend_on_which_a_kind_is_not_registered_is_refused_with_a_sentence() {
    let config = config(r#"{"scale": 2.0}"#).expect("the options are right");
    let wide = Reservoir::<NdArray<f64>>::init(&config, 2, Initializer::Reservoir, 7, &DEVICE);
    let error = wide
        .expect_err("it is registered in 32 bits alone")
        .to_string();
    assert!(
        error.contains("\"scaled\" is not registered on") && error.contains("register_on"),
        "{error}"
    );
}
