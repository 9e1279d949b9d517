//! The fused scan in 32-bit floats against the loop in burn operations in 64-bit floats: values, memory and every
//! gradient; and that loop's gradients against finite differences.

use burn::backend::Autodiff;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{
    DType, Tensor, TensorData,
    backend::{AutodiffBackend, Backend},
};
use burn_ndarray::{NdArray, NdArrayDevice};
use ran_reservoir::{
    Activation, Inputs, LagLaw, Leak, Memory, MemoryKind, PopulationConfig, ProjectionsConfig,
    Reservoir, ReservoirConfig, UnitKind, WiringKind,
};
use ran_unit::{Initializer, Output};

use crate::alone;

type B = Autodiff<NdArray<f32>>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;
const D_INPUT: usize = 3;

/// Numbers in ±1 that look random and repeat.
fn noise<const R: usize>(shape: [usize; R], seed: u64) -> Tensor<B, R> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (seed << 17 | 1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| next()).collect();
    Tensor::from_data(TensorData::new(numbers, shape), &DEVICE)
}

/// The same numbers in a type of float, as a leaf of the graph.
fn leaf<const R: usize>(tensor: Tensor<B, R>, dtype: DType) -> Tensor<B, R> {
    let data = tensor.into_data().convert_dtype(dtype);
    Tensor::from_data(data, (&DEVICE, dtype)).require_grad()
}

/// Casts weights to 64-bit floats, in which the reference's own rounding counts for nothing.
struct Widen;

impl ModuleMapper<B> for Widen {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        param.map(|weight| leaf(weight, DType::F64))
    }
}

struct Setting {
    memory: MemoryKind,
    context: usize,
    leak: Leak,
    wiring: WiringKind,
    projections: ProjectionsConfig,
    populations: Vec<PopulationConfig>,
    batch: usize,
    steps: usize,
    truncate: Option<usize>,
}

impl Setting {
    fn new(memory: MemoryKind, context: usize, populations: Vec<PopulationConfig>) -> Self {
        Self {
            memory,
            context,
            leak: Leak::Same(1.0),
            wiring: WiringKind::Identity,
            projections: ProjectionsConfig::default(),
            populations,
            batch: 3,
            steps: 6,
            truncate: None,
        }
    }

    fn reservoir(&self) -> Reservoir<B> {
        let mut config = ReservoirConfig::new(self.context, self.populations.clone());
        config.memory = self.memory;
        config.leak = self.leak;
        config.wiring = self.wiring;
        config.projections = self.projections.clone();
        if self.wiring == WiringKind::Sparse {
            config.fan_in = Some(3);
        }
        let inputs = Inputs::named(D_INPUT, &["a 0", "a 1", "b"].map(String::from));
        Reservoir::init(&config, inputs, Initializer::Trained, 5, &DEVICE).expect("a reservoir")
    }
}

/// What a run gives: states, memory, and gradients of a loss that reads both.
struct Found {
    names: Vec<String>,
    numbers: Vec<Vec<f64>>,
}

struct Collect<'a> {
    grads: &'a <B as AutodiffBackend>::Gradients,
    found: &'a mut Found,
}

impl ModuleVisitor<B> for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let gradient = param.val().grad(self.grads);
        let name = format!("gradient of a weight {:?}", param.val().dims());
        self.found
            .push(&name, gradient.expect("every weight has a gradient"));
    }
}

impl Found {
    fn push<I: Backend, const R: usize>(&mut self, name: &str, tensor: Tensor<I, R>) {
        self.names.push(name.into());
        let data = tensor.into_data().convert::<f64>();
        self.numbers.push(data.into_vec().expect("numbers are f64"));
    }
}

/// Weights, inputs and memory, in 32-bit floats or in 64-bit floats of the same values.
struct Given {
    reservoir: Reservoir<B>,
    inputs: Tensor<B, 3>,
    memory: Memory<B>,
    dtype: DType,
}

impl Given {
    fn new(setting: &Setting, dtype: DType) -> Self {
        let reservoir = setting.reservoir();
        let start = reservoir.start(setting.batch, &DEVICE);
        let leaf = |tensor| leaf(tensor, dtype);
        let memory = Memory {
            rows: leaf(noise(start.rows.dims(), 2)),
            inputs: start.inputs.map(|older| leaf(noise(older.dims(), 3))),
        };
        Self {
            reservoir: match dtype {
                DType::F64 => reservoir.map(&mut Widen),
                _ => reservoir,
            },
            inputs: leaf(noise([setting.batch, setting.steps, D_INPUT], 1)),
            memory,
            dtype,
        }
    }

    /// The states, the memory after them, and a loss that reads both.
    fn run(&self, truncate: Option<usize>) -> (Tensor<B, 3>, Memory<B>, Tensor<B, 1>) {
        let (inputs, memory) = (self.inputs.clone(), self.memory.clone());
        let (states, after) = self.reservoir.forward(inputs, memory, truncate);
        let weight = |of: &Tensor<B, 3>, seed| noise(of.dims(), seed).cast(self.dtype);
        let loss = (states.clone() * weight(&states, 4)).sum()
            + (after.rows.clone() * weight(&after.rows, 5)).sum();
        (states, after, loss)
    }

    fn found(&self, truncate: Option<usize>) -> Found {
        let (states, after, loss) = self.run(truncate);
        let grads = loss.backward();
        let mut found = Found {
            names: Vec::new(),
            numbers: Vec::new(),
        };
        found.push("states", states);
        found.push("rows of memory", after.rows);
        if let Some(older) = after.inputs {
            found.push("older inputs", older);
        }
        let inputs = self.inputs.grad(&grads);
        found.push("gradient of the inputs", inputs.expect("inputs have one"));
        let rows = self.memory.rows.grad(&grads);
        found.push("gradient of the rows", rows.expect("rows have one"));
        if let Some(older) = &self.memory.inputs {
            let gradient = older.grad(&grads).expect("older inputs have one");
            found.push("gradient of the older inputs", gradient);
        }
        let mut collect = Collect {
            grads: &grads,
            found: &mut found,
        };
        self.reservoir.visit(&mut collect);
        found
    }
}

/// The fused scan takes 32-bit floats alone: given 64-bit floats, a reservoir runs the reference.
fn agrees(name: &str, setting: &Setting) {
    let fused = Given::new(setting, DType::F32);
    let kernels = fused.reservoir.fused();
    assert!(kernels.is_some(), "{name}: every kind has a kernel");
    let one = fused.found(setting.truncate);
    let other = Given::new(setting, DType::F64).found(setting.truncate);
    assert_eq!(one.names, other.names);
    // Some gradients are zero, those of keys' biases always: their rounding is compared with the largest gradient.
    let largest = other.numbers.iter().flatten();
    let largest = largest.fold(0.0_f64, |most, x| most.max(x.abs()));
    for ((what, one), other) in one.names.iter().zip(&one.numbers).zip(&other.numbers) {
        assert_eq!(one.len(), other.len(), "{name}: {what}");
        let scale = other
            .iter()
            .fold(1e-2 * largest, |most, x| most.max(x.abs()));
        for (&a, &b) in one.iter().zip(other) {
            let error = (a - b).abs() / scale;
            assert!(error < 1e-4, "{name}: {what}: fused {a}, reference {b}");
        }
    }
}

fn kinds() -> Vec<PopulationConfig> {
    let of = |kind| PopulationConfig::new(kind, 3, 4);
    let mut tanh = PopulationConfig::new(UnitKind::TanhUnit, 12, 1);
    tanh.bias = Some(0.5);
    vec![
        of(UnitKind::AttentionBlock),
        of(UnitKind::QkvUnit),
        of(UnitKind::MemoryUnit),
        tanh,
    ]
}

/// A delay line, an accumulator, and attention that reads them by role, with every law of biases by lag between them.
fn with_roles() -> Vec<PopulationConfig> {
    let populations = serde_json::json!([
        { "name": "line", "kind": "tanh-unit", "units": 6, "d_unit": 1, "linear": true, "recurrence": "delay-line",
          "reads": ["inputs"] },
        { "name": "sum", "kind": "tanh-unit", "units": 3, "d_unit": 1, "linear": true, "recurrence": "accumulate",
          "reads": [{ "from": "inputs", "scale": 0.3 }] },
        { "name": "attention", "kind": "qkv-unit", "units": 2, "d_unit": 12, "qk": "tied", "qk_gain": 2.0,
          "lag_bias": "normal", "value": "identity", "gate_gain": 0.5,
          "reads": { "query": ["inputs"], "key": [{ "from": "inputs", "delay": 2 }], "value": ["sum"],
                     "gate": { "from": "b", "scale": -1.0 } } },
        { "name": "block", "kind": "attention-block", "units": 2, "d_unit": 6, "lag_bias": "slope", "qk": "mimetic",
          "lag_bias_scale": 0.3, "output": "tanh", "reads": { "query": ["inputs"], "key": ["sum"], "value": ["inputs"] } },
        { "name": "rest", "kind": "qkv-unit", "units": 2, "d_unit": 4, "lag_bias": "cosine", "output": "tanh" },
    ]);
    serde_json::from_value(populations).expect("populations")
}

const MEMORIES: [MemoryKind; 2] = [MemoryKind::Sliding, MemoryKind::Rewritten];

#[test]
fn every_kind_memory_context_leak_and_truncation_agrees_with_the_reference() {
    let _alone = alone();
    for memory in MEMORIES {
        for context in [1, 2, 5] {
            let (same, spread) = (Leak::Same(0.6), Leak::Spread { from: 0.1, to: 1.0 });
            for (leak, truncate) in [
                (Leak::default(), None),
                (same, None),
                (spread, None),
                (Leak::default(), Some(2)),
                (same, Some(4)),
                (spread, Some(4)),
            ] {
                for population in kinds() {
                    let name = format!(
                        "{:?}, {memory:?}, context {context}, leak {leak:?}, truncate {truncate:?}",
                        population.kind
                    );
                    let mut setting = Setting::new(memory, context, vec![population]);
                    (setting.leak, setting.truncate) = (leak, truncate);
                    agrees(&name, &setting);
                }
            }
        }
    }
}

#[test]
fn every_option_of_the_units_agrees_with_the_reference() {
    let _alone = alone();
    for memory in MEMORIES {
        for flags in 0..8 {
            for output in [Output::Identity, Output::Tanh, Output::LayerNorm] {
                for activation in [Activation::Relu, Activation::Gelu, Activation::Tanh] {
                    let mut block = PopulationConfig::new(UnitKind::AttentionBlock, 2, 6);
                    block.heads = Some(1 + flags % 2);
                    block.causal = Some(flags & 1 != 0);
                    block.residual = Some(flags & 2 != 0);
                    block.layer_norm = Some(flags & 4 != 0);
                    block.activation = Some(activation);
                    block.output = Some(output);
                    let name = format!("{block:?}, {memory:?}");
                    agrees(&name, &Setting::new(memory, 3, vec![block]));
                }
            }
        }
    }
}

#[test]
fn populations_of_all_kinds_in_one_reservoir_agree_in_every_wiring() {
    let _alone = alone();
    for memory in MEMORIES {
        for wiring in [
            WiringKind::Identity,
            WiringKind::DelayLines,
            WiringKind::Sparse,
        ] {
            let mut populations = kinds();
            for (at, population) in populations.iter_mut().enumerate() {
                population.name = Some(format!("part {at}"));
            }
            let mut setting = Setting::new(memory, 3, populations);
            (setting.wiring, setting.leak) = (wiring, 0.8.into());
            agrees(&format!("{memory:?}, {wiring:?}"), &setting);
        }
    }
}

#[test]
fn dimensions_that_many_slots_read_and_slots_without_inputs_agree() {
    let _alone = alone();
    let strengths = |targets: [(&str, f64); 2]| targets.map(|(to, s)| (to.to_string(), s)).into();
    for memory in MEMORIES {
        for wiring in [WiringKind::Identity, WiringKind::Sparse] {
            let named = |name: &str, kind, units| PopulationConfig {
                name: Some(name.into()),
                ..PopulationConfig::new(kind, units, 4)
            };
            let populations = vec![
                named("cortex", UnitKind::QkvUnit, 6),
                named("hippocampus", UnitKind::MemoryUnit, 2),
            ];
            let mut setting = Setting::new(memory, 3, populations);
            setting.wiring = wiring;
            // Eight dimensions of the hippocampus are all that either population reads of the state.
            setting.projections.0 = [
                (
                    "inputs".into(),
                    strengths([("cortex", 1.0), ("hippocampus", 0.0)]),
                ),
                (
                    "cortex".into(),
                    strengths([("cortex", 0.0), ("hippocampus", 0.0)]),
                ),
            ]
            .into();
            agrees(&format!("{memory:?}, {wiring:?}, projected"), &setting);
        }
    }
}

#[test]
fn roles_gates_and_biases_by_lag_agree_with_the_reference() {
    let _alone = alone();
    for memory in MEMORIES {
        for (context, batch) in [(1, 3), (5, 3), (9, 1)] {
            for flags in 0..4 {
                let mut setting = Setting::new(memory, context, with_roles());
                setting.populations[2].heads = Some(1 + flags % 2);
                setting.populations[2].causal = Some(flags > 1);
                setting.populations[3].layer_norm = Some(flags > 1);
                (setting.batch, setting.steps) = (batch, 7);
                setting.truncate = (flags == 3).then_some(2);
                let name = format!("roles, {memory:?}, context {context}, flags {flags}");
                agrees(&name, &setting);
            }
        }
    }
}

#[test]
fn more_tensors_of_weights_than_a_node_has_parents_agree() {
    let _alone = alone();
    let populations: Vec<PopulationConfig> = (0..4)
        .map(|at| {
            let mut block = PopulationConfig::new(UnitKind::AttentionBlock, 2, 4);
            block.name = Some(format!("part {at}"));
            block
        })
        .collect();
    let setting = Setting::new(MemoryKind::Sliding, 2, populations);
    let (_, tensors) = setting.reservoir().fused().expect("a kernel");
    assert!(tensors.len() > 32, "got {} tensors", tensors.len());
    agrees("four populations", &setting);
}

#[test]
fn widths_contexts_and_batches_that_divide_nothing_agree() {
    let _alone = alone();
    for memory in MEMORIES {
        for (d_unit, context, batch) in [(1, 16, 5), (3, 1, 33), (7, 64, 1), (100, 4, 1)] {
            let units = 12_usize.div_ceil(d_unit);
            let block = PopulationConfig::new(UnitKind::AttentionBlock, units, d_unit);
            let mut setting = Setting::new(memory, context, vec![block]);
            (setting.batch, setting.steps) = (batch, 2);
            agrees(
                &format!("width {d_unit}, context {context}, batch {batch}"),
                &setting,
            );
        }
    }
}

/// Marks every weight as fixed.
struct Freeze;

impl ModuleMapper<B> for Freeze {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        param.set_require_grad(false)
    }
}

#[test]
fn fixed_weights_have_no_gradient_and_inputs_keep_theirs() {
    let _alone = alone();
    let setting = Setting::new(MemoryKind::Sliding, 3, vec![kinds().swap_remove(0)]);
    let reservoir = setting.reservoir().map(&mut Freeze);
    let inputs = noise([2, 5, D_INPUT], 1).require_grad();
    let start = || reservoir.start(2, &DEVICE);
    let (fused, _) = reservoir.forward(inputs.clone(), start(), None);
    let (plain, _) = reservoir.forward_reference(inputs.clone(), start(), None);
    let gradient = |states: Tensor<B, 3>| {
        let grads = (states.clone() * noise(states.dims(), 4)).sum().backward();
        inputs.grad(&grads).expect("inputs have one").into_data()
    };
    gradient(fused).assert_approx_eq::<f32>(&gradient(plain), Default::default());
    let (untracked, _) = reservoir.forward(inputs.detach(), start(), None);
    assert!(!untracked.is_require_grad());
}

#[test]
fn the_references_gradients_are_those_of_finite_differences() {
    let _alone = alone();
    for memory in MEMORIES {
        let mut populations = kinds();
        populations[0].output = Some(Output::LayerNorm);
        populations[0].layer_norm = Some(true);
        populations[0].residual = Some(true);
        populations[1].heads = Some(2);
        populations[1].causal = Some(true);
        populations[1].lag_bias = Some(LagLaw::Normal);
        populations[2].activation = Some(Activation::Gelu);
        for (at, population) in populations.iter_mut().enumerate() {
            population.name = Some(format!("part {at}"));
        }
        let mut setting = Setting::new(memory, 2, populations);
        (setting.leak, setting.batch, setting.steps) = (0.7.into(), 1, 4);
        let given = Given::new(&setting, DType::F64);
        let grads = given.run(None).2.backward();
        let loss = |inputs: Tensor<B, 3>, rows: Tensor<B, 3>| {
            let memory = Memory {
                rows,
                inputs: given.memory.inputs.clone(),
            };
            let moved = Given {
                reservoir: given.reservoir.clone(),
                inputs,
                memory,
                dtype: DType::F64,
            };
            moved.run(None).2.into_data().to_vec::<f64>().unwrap()[0]
        };
        let (inputs, rows) = (given.inputs.clone(), given.memory.rows.clone());
        let of_inputs = inputs.grad(&grads).unwrap().into_data();
        let of_rows = rows.grad(&grads).unwrap().into_data();
        for (which, (gradient, of)) in [(of_inputs, &inputs), (of_rows, &rows)].iter().enumerate() {
            for (index, slope) in gradient.to_vec::<f64>().unwrap().into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut numbers = of.to_data().to_vec::<f64>().unwrap();
                    numbers[index] += by;
                    let data = TensorData::new(numbers, of.dims());
                    let moved = Tensor::from_data(data, (&DEVICE, DType::F64));
                    match which {
                        0 => loss(moved, rows.clone()),
                        _ => loss(inputs.clone(), moved),
                    }
                };
                let found = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                let error = (found - slope).abs() / (1.0 + slope.abs());
                assert!(
                    error < 1e-6,
                    "{memory:?}, {which}, number {index}: {found}, {slope}"
                );
            }
        }
        let mut weights = Weights {
            given: &given,
            grads: &grads,
            seen: 0,
        };
        given.reservoir.clone().map(&mut weights);
        assert!(weights.seen > 20, "weights were moved: {}", weights.seen);
    }
}

/// Moves weights one by one and compares the loss with the gradient.
struct Weights<'a> {
    given: &'a Given,
    grads: &'a <B as AutodiffBackend>::Gradients,
    seen: usize,
}

impl ModuleMapper<B> for Weights<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let gradient = param.val().grad(self.grads).expect("every weight has one");
        let gradient = gradient.into_data().to_vec::<f64>().unwrap();
        for index in (0..gradient.len()).step_by(29) {
            let loss = |by: f64| {
                let mut numbers = param.val().to_data().to_vec::<f64>().unwrap();
                numbers[index] += by;
                let data = TensorData::new(numbers, param.val().dims());
                let mut set = Set { id: param.id, data };
                let moved = Given {
                    reservoir: self.given.reservoir.clone().map(&mut set),
                    inputs: self.given.inputs.clone(),
                    memory: self.given.memory.clone(),
                    dtype: DType::F64,
                };
                moved.run(None).2.into_data().to_vec::<f64>().unwrap()[0]
            };
            let (found, slope) = ((loss(1e-5) - loss(-1e-5)) / 2e-5, gradient[index]);
            let error = (found - slope).abs() / (1.0 + slope.abs());
            assert!(
                error < 1e-6,
                "weight {index} of {:?}: {found}, {slope}",
                param.val().dims()
            );
            self.seen += 1;
        }
        param
    }
}

/// Replaces one tensor of weights.
struct Set {
    id: ParamId,
    data: TensorData,
}

impl ModuleMapper<B> for Set {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        match param.id == self.id {
            true => param.map(|_| Tensor::from_data(self.data.clone(), (&DEVICE, DType::F64))),
            false => param,
        }
    }
}
