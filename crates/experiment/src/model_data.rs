//! The data that a saved model is used on: its own task's, or a file that is read as its task's files are.

use std::path::Path;

use ndarray::Array2;
use ran_learning::ModelCard;
use ran_tasks::{Column, Dataset, FilesConfig, TaskConfig};
use toml::{Table, Value};

use crate::locate::read;
use crate::model_file::ModelError;
use crate::task::TaskOnly;
use crate::{Setting, SettingError};

/// The data of the model's own task, or a file's, which then are both training and test set; standardised as the model's
/// training set was, with classes in the model's order.
pub(crate) fn load(
    card: &ModelCard,
    model: &Path,
    data: Option<&Path>,
    settings: &[Setting],
) -> Result<Dataset, ModelError> {
    let task = match data {
        None => own_task(card, model, settings)?,
        Some(_) if card.symbols => return Err(ModelError::Text { path: model.into() }),
        Some(data) => TaskConfig::Files(Box::new(task_of_file(card, data, settings)?)),
    };
    let dataset = task.load(card.seed)?;
    check(card, model, &dataset)?;
    Ok(prepare(card, dataset))
}

/// The model's own task, with settings made in it.
pub(crate) fn own_task(
    card: &ModelCard,
    model: &Path,
    settings: &[Setting],
) -> Result<TaskConfig, ModelError> {
    match &card.task_config {
        Some(own) => with_settings(table(own), settings),
        None => Err(ModelError::NoTask { path: model.into() }),
    }
}

/// How files are laid out that a model is asked about: as those of its own task, with settings made in it. None where the
/// model was trained on no user's file and there are no settings.
pub(crate) fn layout(
    card: &ModelCard,
    settings: &[Setting],
) -> Result<Option<FilesConfig>, ModelError> {
    let own = match &card.task_config {
        Some(TaskConfig::Files(files)) => table(&TaskConfig::Files(files.clone())),
        _ if settings.is_empty() => return Ok(None),
        _ => files_table(),
    };
    files_of(with_settings(own, settings)?).map(Some)
}

/// The task of judging a model on a file: its own task's options, with the file in place of its own.
fn task_of_file(
    card: &ModelCard,
    data: &Path,
    settings: &[Setting],
) -> Result<FilesConfig, ModelError> {
    let mut task = match &card.task_config {
        Some(TaskConfig::Files(files)) => table(&TaskConfig::Files(files.clone())),
        _ => files_table(),
    };
    // Its own labels belong to its own files.
    for key in [
        "data",
        "test_fraction",
        "valid",
        "limit",
        "labels",
        "train_labels",
        "test_labels",
    ] {
        task.remove(key);
    }
    for key in ["train", "test"] {
        task.insert(key.into(), data.display().to_string().into());
    }
    // Standardised data keep their digits, and change over to the model's own standardiser later.
    let standardise = card.standardiser.is_some();
    task.insert("standardise".into(), standardise.into());
    let mut files = files_of(with_settings(task, settings)?)?;
    let labels = [
        files.labels.take(),
        files.train_labels.take(),
        files.test_labels.take(),
    ];
    let labels = labels.into_iter().flatten().next();
    (files.train_labels, files.test_labels) = (labels.clone(), labels);
    take_by_name(&mut files, card, data, settings)?;
    Ok(files)
}

/// Takes the columns of a file with a header by the names that the model keeps, unless a setting says which to take.
fn take_by_name(
    files: &mut FilesConfig,
    card: &ModelCard,
    data: &Path,
    settings: &[Setting],
) -> Result<(), ModelError> {
    if card.input_names.is_empty() || files.column_names(data)?.is_none() {
        return Ok(());
    }
    let free = |key: &str| !settings.iter().any(|setting| setting.concerns(key));
    let columns = |names: &[String]| names.iter().cloned().map(Column::Name).collect();
    if free("task.inputs") {
        files.inputs = Some(columns(&card.input_names));
    }
    if card.output_names.is_empty() {
        return Ok(());
    }
    let forecasts = files.horizon.is_some() || files.targets.is_some();
    if forecasts && free("task.targets") {
        files.targets = Some(columns(&card.output_names));
    }
    if files.value.is_some() && free("task.value") {
        files.value = columns(&card.output_names).pop();
    }
    Ok(())
}

fn with_settings(task: Table, settings: &[Setting]) -> Result<TaskConfig, ModelError> {
    let whole = Table::from_iter([("task".to_owned(), Value::Table(task))]);
    // There is no file: whatever is wrong was set.
    let whole: TaskOnly = read::<_, ModelError>(&whole, "the task", "", settings)?;
    Ok(whole.task)
}

fn files_of(task: TaskConfig) -> Result<FilesConfig, ModelError> {
    match task {
        TaskConfig::Files(files) => Ok(*files),
        other => Err(SettingError::Path {
            setting: format!("task.name={}", other.name()),
            problem: "a file is data of the task files alone".into(),
        }
        .into()),
    }
}

fn files_table() -> Table {
    Table::from_iter([("name".to_owned(), Value::from("files"))])
}

fn table(task: &TaskConfig) -> Table {
    Table::try_from(task).expect("a task's configuration is a table")
}

/// Refuses data of other shapes, of another category or of unknown classes.
fn check(card: &ModelCard, model: &Path, dataset: &Dataset) -> Result<(), ModelError> {
    let refused = |model_has: String, data_have: String| {
        Err(ModelError::Shape {
            path: model.into(),
            model: model_has,
            data: data_have,
        })
    };
    if card.d_input != dataset.d_input {
        let inputs = |count| format!("inputs of shape [steps, {count}]");
        return refused(inputs(card.d_input), inputs(dataset.d_input));
    }
    if card.category != dataset.category {
        let category = |category| format!("targets of category {category:?}");
        return refused(category(card.category), category(dataset.category));
    }
    let unknown = dataset
        .labels
        .iter()
        .find(|label| !card.labels.contains(label));
    if let Some(label) = unknown {
        let known = format!("the classes {}", card.labels.join(", "));
        return refused(known, format!("a class {label:?}"));
    }
    if card.labels.is_empty() && card.d_output != dataset.d_output {
        let outputs = |count| format!("outputs of shape [scored steps, {count}]");
        return refused(outputs(card.d_output), outputs(dataset.d_output));
    }
    Ok(())
}

/// The data of a task as they are, not standardised; of a model's own task with its classes in the model's order.
pub(crate) fn load_raw(
    task: &TaskConfig,
    seed: u64,
    model: Option<(&ModelCard, &Path)>,
) -> Result<Dataset, ModelError> {
    let mut raw = table(task);
    if let Some(standardise) = raw.get_mut("standardise") {
        *standardise = false.into();
    }
    let raw: TaskConfig = raw.try_into().expect("the key has a value that is allowed");
    let mut dataset = raw.load(seed)?;
    if let Some(standardiser) = dataset.standardiser.take() {
        for sample in dataset.samples_mut() {
            standardiser.invert(&mut sample.inputs);
        }
    }
    if let Some((card, path)) = model {
        check(card, path, &dataset)?;
        reorder(card, &mut dataset);
    }
    Ok(dataset)
}

/// Standardises as the model's training set was, and brings classes into the model's order.
fn prepare(card: &ModelCard, mut dataset: Dataset) -> Dataset {
    let theirs = dataset.standardiser.take();
    let taken = dataset.target_offset.take();
    let offsets = [&taken, &card.target_offset].map(|offset| offset.iter().flatten());
    for sample in dataset.samples_mut() {
        if theirs != card.standardiser {
            match (&theirs, &card.standardiser) {
                (Some(theirs), Some(own)) => own.apply_after(theirs, &mut sample.inputs),
                (Some(theirs), None) => theirs.invert(&mut sample.inputs),
                (None, Some(own)) => own.apply(&mut sample.inputs),
                (None, None) => {}
            }
        }
        for (mut column, channel) in sample.targets.columns_mut().into_iter().zip(0..) {
            let offsets = offsets.clone();
            let [theirs, own] = offsets.map(|mut offset| offset.nth(channel).unwrap_or(&0.0));
            if theirs != own {
                column.mapv_inplace(|y| (f64::from(y) + (theirs - own)) as f32);
            }
        }
    }
    dataset.standardiser.clone_from(&card.standardiser);
    dataset.target_offset.clone_from(&card.target_offset);
    reorder(card, &mut dataset);
    dataset
}

/// Brings classes into the model's order.
fn reorder(card: &ModelCard, dataset: &mut Dataset) {
    let places: Vec<usize> = dataset
        .labels
        .iter()
        .filter_map(|label| card.labels.iter().position(|known| known == label))
        .collect();
    let ordered = places.len() == card.d_output && places.iter().enumerate().all(|(a, b)| a == *b);
    if card.labels.is_empty() || ordered {
        return;
    }
    for sample in dataset.samples_mut() {
        if card.symbols {
            let place = |symbol: f32| places[symbol as usize] as f32;
            sample.inputs.mapv_inplace(place);
            sample.targets.mapv_inplace(place);
            continue;
        }
        let mut targets = Array2::zeros((sample.targets.nrows(), card.d_output));
        for (from, &to) in places.iter().enumerate() {
            targets.column_mut(to).assign(&sample.targets.column(from));
        }
        sample.targets = targets;
    }
    dataset.labels.clone_from(&card.labels);
    dataset.d_output = card.d_output;
}
