//! Forecasts in closed loop: a model is fed with what it has just predicted.

use std::sync::atomic::AtomicBool;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};
use ran_reservoir::ScanBackend;
use ran_tasks::{Category, Dataset, Sample};

use crate::session::Session;
use crate::{LearningError, Model, ModelStream};

/// A series that goes on by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct FreeRun {
    /// The last step of the test series that the model saw; its first prediction is of the step after.
    pub after: usize,
    /// What it predicted, `[steps, d_output]`, raw; NaN from where a prediction was no finite number.
    pub predictions: Array2<f32>,
    /// What came, `[steps, d_output]`, raw.
    pub truth: Array2<f32>,
}

/// Where in the test series of a task a model is to go on by itself, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct FreeRunPlan {
    steps: usize,
    /// Rows of the test set's targets: the first that is predicted, per forecast.
    rows: Vec<usize>,
    /// The test series, raw, `[steps, d_input]`.
    inputs: Array2<f32>,
    scored: Vec<usize>,
    targets: Array2<f32>,
}

impl FreeRunPlan {
    /// Plans `count` forecasts of `steps` steps each, begun at equal distances over the test steps: one alone begins at
    /// the first of them.
    ///
    /// # Errors
    ///
    /// If the task is not a forecast of all inputs one step ahead, of one series, or the test steps are too few.
    pub fn new(dataset: &Dataset, steps: usize, count: usize) -> Result<Self, LearningError> {
        let refuse = |field: &str, problem: String| Err(LearningError::config(field, problem));
        if steps == 0 {
            return refuse("evaluation.free_run", "must be at least 1, got 0".into());
        }
        if count == 0 {
            return refuse("evaluation.starts", "must be at least 1, got 0".into());
        }
        let (test, inputs) = match one_series(dataset, &dataset.test) {
            Ok(found) => found,
            Err(problem) => return refuse("evaluation.free_run", problem),
        };
        let all = test.scored.len();
        let Some(room) = all.checked_sub(steps) else {
            let problem = format!("must be at most the {all} test steps, got {steps}");
            return refuse("evaluation.free_run", problem);
        };
        if count > room + 1 {
            let problem = format!(
                "must be at most {} with {all} test steps and free_run = {steps}, got {count}",
                room + 1
            );
            return refuse("evaluation.starts", problem);
        }
        let row = |index: usize| index * room / (count - 1).max(1);
        Ok(Self {
            steps,
            rows: (0..count).map(row).collect(),
            inputs,
            scored: test.scored.clone(),
            targets: test.targets.clone(),
        })
    }

    /// Makes the forecasts: the model follows the test series up to each start, then its own predictions.
    ///
    /// # Errors
    ///
    /// If the model is not one of the series, or `stop` became true.
    pub fn run<B: ScanBackend>(
        &self,
        model: &Model<B>,
        device: &B::Device,
        stop: &AtomicBool,
    ) -> Result<Vec<FreeRun>, LearningError> {
        let last = self.rows.last().map_or(0, |&row| self.scored[row]);
        let all = last + self.steps * self.rows.len();
        let work = model.backbone.core.multiply_adds() as u64;
        let session = Session {
            stop: Some(stop),
            ..Session::default()
        };
        let mut left = all as u64;
        let mut go_on = || {
            left = left.saturating_sub(1);
            match session.ends(left.saturating_mul(work)) {
                true => Ok(()),
                false => Err(LearningError::Stopped),
            }
        };
        let mut stream = model.stream(device);
        let mut seen = 0;
        let mut runs = Vec::with_capacity(self.rows.len());
        for &row in &self.rows {
            let after = self.scored[row];
            // All but the last are only followed.
            for step in seen..after {
                go_on()?;
                stream.step(self.inputs.row(step))?;
            }
            let mut own = stream.clone();
            let predictions = forecast(&mut own, self.inputs.row(after), self.steps, &mut go_on)?;
            seen = after;
            runs.push(FreeRun {
                after,
                predictions,
                truth: self.targets.slice(s![row..row + self.steps, ..]).to_owned(),
            });
        }
        Ok(runs)
    }
}

/// Sees one more step, and then its own predictions.
fn forecast<B: ScanBackend>(
    stream: &mut ModelStream<'_, B>,
    last: ArrayView1<'_, f32>,
    steps: usize,
    go_on: &mut dyn FnMut() -> Result<(), LearningError>,
) -> Result<Array2<f32>, LearningError> {
    let mut input = last.to_owned();
    let mut predictions = Array2::from_elem((0, last.len()), f32::NAN);
    for _ in 0..steps {
        // A forecast that has left the numbers does not come back.
        if input.iter().any(|x| !x.is_finite()) {
            break;
        }
        go_on()?;
        input = stream.step(input.view())?;
        predictions
            .push_row(input.view())
            .expect("a forecast is as wide as the series");
    }
    let missing = Array2::from_elem((steps - predictions.nrows(), last.len()), f32::NAN);
    predictions
        .append(Axis(0), missing.view())
        .expect("a forecast is as wide as the series");
    Ok(predictions)
}

/// The series that a model can go on with by itself, and its inputs as they were before they were standardised.
///
/// # Errors
///
/// A sentence, where it is not one series whose targets are all inputs of the next step, or 32 bits blur them.
pub(crate) fn one_series<'a>(
    dataset: &Dataset,
    samples: &'a [Sample],
) -> Result<(&'a Sample, Array2<f32>), String> {
    let name = &dataset.name;
    let ([series], Category::Regression) = (samples, dataset.category) else {
        return Err(format!(
            "needs one series to go on with; the task {name:?} has none"
        ));
    };
    if dataset.target_offset.is_some() {
        return Err(format!(
            "needs numbers that 32 bits tell apart; those of the task {name:?} lie too far from 0 beside how far they lie from one \
             another: take their mean from them"
        ));
    }
    let mut inputs = series.inputs.clone();
    if let Some(standardiser) = &dataset.standardiser {
        standardiser.invert(&mut inputs);
    }
    match is_one_step_ahead(inputs.view(), &series.scored, series.targets.view()) {
        true => Ok((series, inputs)),
        false => Err(format!(
            "needs targets that are all inputs of the next step, as with task.horizon = 1; those of the task {name:?} are not"
        )),
    }
}

/// Whether each target is the whole input of the step after the one that it is due at.
fn is_one_step_ahead(
    inputs: ArrayView2<'_, f32>,
    scored: &[usize],
    targets: ArrayView2<'_, f32>,
) -> bool {
    let consecutive = scored.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    let wide = inputs.ncols() == targets.ncols();
    let scale = targets.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    // Inputs have been standardised and brought back, which leaves rounding.
    let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * scale;
    let next = |(step, target): (&usize, ArrayView1<'_, f32>)| {
        // The last target is of a step that is no input any more.
        *step + 1 >= inputs.nrows() || inputs.row(step + 1).iter().zip(target).all(near)
    };
    consecutive && wide && scored.len() > 1 && scored.iter().zip(targets.rows()).all(next)
}
