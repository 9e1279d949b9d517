//! A reservoir of attention blocks is taught to generate a signal by itself: FORCE learning in closed loop.
//!
//! `cargo run --package ran-examples --bin force`, or with a configuration of your own in a file: `… -- MINE.toml`

use burn_ndarray::NdArray;
use ndarray::{Array2, s};
use ran_learning::{Generator, GeneratorConfig, LearningError};
use ran_tasks::{MackeyGlassConfig, TaskConfig};

pub(crate) const CONFIG: &str = "
force = { delta = 1e-6 }

[reservoir]
context = 4
input_copies = 20
leak = 0.5

[[reservoir.population]]
kind = 'attention-block'
units = 40
d_unit = 8
output = 'tanh'
";

/// A generator that was taught all but the last rows of a signal, and what it makes of those alone.
///
/// # Shapes
///
/// - signal: `[steps, d_output]`
/// - output: `[alone, d_output]`
pub(crate) fn continued(
    config: &str,
    signal: &Array2<f32>,
    alone: usize,
) -> Result<Array2<f32>, LearningError> {
    let config: GeneratorConfig = toml::from_str(config).expect("the configuration is TOML");
    let mut generator = Generator::<NdArray>::new(&config, signal.ncols(), 0, &Default::default())?;
    let taught = signal.nrows() - alone;
    generator.teach(signal.slice(s![..taught, ..]))?;
    Ok(generator.run(alone))
}

/// A sine of two periods, the second of which is no multiple of the first.
pub(crate) fn two_sines(steps: usize) -> Array2<f32> {
    Array2::from_shape_fn((steps, 1), |(step, _)| {
        let t = step as f32;
        0.6 * (t * 0.2).sin() + 0.3 * (t * 0.331).sin()
    })
}

/// The chaotic series of Mackey and Glass, standardised.
pub(crate) fn mackey_glass(steps: usize) -> Array2<f32> {
    let task = MackeyGlassConfig {
        train: steps,
        horizon: 1,
        ..MackeyGlassConfig::default()
    };
    let dataset = TaskConfig::MackeyGlass(task)
        .load(0)
        .expect("it is generated");
    dataset.train[0].inputs.slice(s![..steps, ..]).to_owned()
}

/// The root of the mean squared error over the signal's deviation: 1 is what its mean would get.
pub(crate) fn error(signal: &Array2<f32>, said: &Array2<f32>) -> f64 {
    let target = signal.slice(s![signal.nrows() - said.nrows().., ..]);
    ran_tasks::scores::nrmse(said.view(), target)
}

fn main() -> Result<(), LearningError> {
    let file = std::env::args().nth(1);
    let config = file.map(|file| std::fs::read_to_string(file).expect("the file can be read"));
    let config = config.as_deref().unwrap_or(CONFIG);
    for (name, signal, alone) in [
        ("two sines", two_sines(2200), 200),
        ("Mackey-Glass", mackey_glass(3050), 50),
    ] {
        let said = continued(config, &signal, alone)?;
        let error = error(&signal, &said);
        println!("{name}: {alone} steps alone, error {error:.4} of the signal's deviation");
    }
    Ok(())
}
