//! Example sequences of a task with their targets.

use ndarray::{Array2, ArrayView1, Axis, s};
use ran_picture::{Picture, PictureError, Sequence, Style, Track, sequences};
use ran_tasks::{Category, Dataset, Sample, TaskConfig};

/// Steps that are shown of a sequence; of cells fewer, since each takes its room in the file.
const MOST_STEPS: usize = 1_000;
const MOST_STEPS_OF_CELLS: usize = 240;
/// Channels that are told apart as lines, and those that are shown as cells.
const MOST_LINES: usize = 4;
const MOST_CHANNELS: usize = 100;
/// Targets that are listed in words.
const MOST_WORDS: usize = 8;

/// Draws the first `count` training sequences of a task, each of another class where there are classes, with their
/// targets: what is due, and at which steps. Of a long sequence a part is shown, about its first scored step. Inputs are
/// in their own unit, not standardised.
///
/// # Errors
///
/// When there are no sequences.
pub fn show_examples(
    task: &TaskConfig,
    dataset: &Dataset,
    count: usize,
) -> Result<Picture, PictureError> {
    let all = dataset.train.len();
    let shown = dataset.with_raw_targets();
    let dataset = &match dataset.symbols {
        true => spelt_out(dataset, count),
        false => shown.into_owned(),
    };
    let chosen = choose(dataset, count);
    let shown: Vec<Sequence> = chosen
        .into_iter()
        .map(|index| sequence(task, dataset, index))
        .collect();
    let title = match all {
        1 => format!("{}: its training sequence", dataset.name),
        _ => format!(
            "{}: {} of {all} training sequences",
            dataset.name,
            shown.len()
        ),
    };
    sequences(&title, &shown)
}

/// The first training sequences of a text, with a row for each symbol that is in them.
fn spelt_out(dataset: &Dataset, count: usize) -> Dataset {
    let samples = dataset.train.iter().take(count);
    let samples: Vec<Sample> = samples
        .map(|sample| Sample {
            inputs: dataset.one_hot(sample.inputs.clone()),
            scored: sample.scored.clone(),
            targets: dataset.one_hot(sample.targets.clone()),
        })
        .collect();
    let there = |place: usize| {
        let has = |rows: &Array2<f32>| rows.column(place).iter().any(|&bit| bit == 1.0);
        samples
            .iter()
            .any(|sample| has(&sample.inputs) || has(&sample.targets))
    };
    let places: Vec<usize> = (0..dataset.d_output).filter(|&at| there(at)).collect();
    let labels = dataset.label_names();
    let names: Vec<String> = places.iter().map(|&at| labels[at].clone()).collect();
    let of = |rows: &Array2<f32>| rows.select(Axis(1), &places);
    Dataset {
        input_names: names.clone(),
        labels: names,
        train: samples
            .iter()
            .map(|sample| Sample {
                inputs: of(&sample.inputs),
                scored: sample.scored.clone(),
                targets: of(&sample.targets),
            })
            .collect(),
        ..Dataset::new(&dataset.name, dataset.category, [places.len(); 2])
    }
}

/// Sequences of classes that come for the first time, then others, in their order.
fn choose(dataset: &Dataset, count: usize) -> Vec<usize> {
    let mut seen = Vec::new();
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for (index, sample) in dataset.train.iter().enumerate() {
        if first.len() == count {
            break;
        }
        if sample.scored.len() == 1 && !seen.contains(&sample.targets) {
            seen.push(sample.targets.clone());
            first.push(index);
        } else {
            later.push(index);
        }
    }
    let mut chosen: Vec<usize> = first.into_iter().chain(later).take(count).collect();
    chosen.sort_unstable();
    chosen
}

fn sequence(task: &TaskConfig, dataset: &Dataset, index: usize) -> Sequence {
    let sample = &dataset.train[index];
    let mut inputs = sample.inputs.clone();
    if let Some(standardiser) = &dataset.standardiser {
        standardiser.invert(&mut inputs);
    }
    let style = style(inputs.view().into_iter(), inputs.ncols());
    let steps = inputs.nrows();
    let target_style = target_style(dataset);
    let cells = [style, target_style].contains(&Style::Cells);
    let window = window(
        sample,
        steps,
        if cells { Style::Cells } else { Style::Lines },
    );
    let (from, to) = (window.start, window.end);
    let mut caption = format!("sequence {}, {steps} steps", index + 1);
    if from > 0 || to < steps {
        caption += &format!(", of which {from} to {} are shown", to - 1);
    }
    // Of several labels the names stand beside the track.
    if let [step] = sample.scored[..]
        && dataset.category != Category::MultiLabel
    {
        caption += &format!(
            "; target at step {step}: {}",
            words(dataset, sample.targets.row(0))
        );
    }
    let image = task.image(inputs.view());
    let names = &dataset.input_names;
    let named = names.len() == inputs.ncols();
    let mut target = target(dataset, sample, from, to);
    if target.channels.is_empty() && target.values.ncols() == dataset.output_names.len() {
        target.channels.clone_from(&dataset.output_names);
    }
    let mut input = Track {
        name: "input".into(),
        channels: if named { names.clone() } else { Vec::new() },
        steps: (0..to - from).collect(),
        values: inputs.slice(s![from..to, ..]).to_owned(),
        style,
    };
    for track in [&mut input, &mut target] {
        leave_out(track);
    }
    Sequence {
        caption,
        first: from,
        length: to - from,
        tracks: vec![input, target],
        image,
    }
}

/// Leaves out channels that are too many for a picture, and counts them.
fn leave_out(track: &mut Track) {
    let all = track.values.ncols();
    if all > MOST_CHANNELS {
        track.name = format!("{}, {MOST_CHANNELS} of {all}", track.name);
        track.channels.truncate(MOST_CHANNELS);
        track.values = track.values.slice(s![.., ..MOST_CHANNELS]).to_owned();
    }
}

/// The targets at the scored steps that are shown.
fn target(dataset: &Dataset, sample: &Sample, from: usize, to: usize) -> Track {
    let scored = sample.scored.iter().enumerate();
    let shown: Vec<_> = scored
        .filter(|(_, step)| (from..to).contains(step))
        .collect();
    let rows: Vec<usize> = shown.iter().map(|(row, _)| *row).collect();
    let values = sample.targets.select(Axis(0), &rows);
    let regression = dataset.category == Category::Regression;
    // Of labels that are due once, those that are not set say nothing.
    let columns: Vec<usize> = (0..values.ncols())
        .filter(|&column| {
            regression
                || sample.scored.len() > 1
                || values.column(column).iter().any(|&bit| bit > 0.5)
        })
        .collect();
    let names = columns
        .iter()
        .filter_map(|&column| dataset.labels.get(column));
    Track {
        name: "target".into(),
        channels: names.cloned().collect(),
        steps: shown.iter().map(|(_, step)| *step - from).collect(),
        style: target_style(dataset),
        values: values.select(Axis(1), &columns),
    }
}

fn target_style(dataset: &Dataset) -> Style {
    if dataset.category == Category::Regression && dataset.d_output <= MOST_LINES {
        Style::Lines
    } else {
        Style::Cells
    }
}

/// Lines for a few channels of numbers; cells for many, and for symbols.
fn style<'a>(values: impl Iterator<Item = &'a f32>, channels: usize) -> Style {
    let mut values = values;
    let symbols = channels > 1 && values.all(|value| [-1.0, 0.0, 1.0].contains(value));
    if channels > MOST_LINES || symbols {
        Style::Cells
    } else {
        Style::Lines
    }
}

/// The steps that are shown: all if they are few, else some about the first scored one.
fn window(sample: &Sample, steps: usize, style: Style) -> std::ops::Range<usize> {
    let most = match style {
        Style::Lines if sample.scored.len() > 1 => 400,
        Style::Lines | Style::Compare => MOST_STEPS,
        Style::Cells => MOST_STEPS_OF_CELLS,
    };
    if steps <= most {
        return 0..steps;
    }
    let first = sample.scored.first().copied().unwrap_or(0);
    let from = first.saturating_sub(most / 2).min(steps - most);
    from..from + most
}

/// What is due, in words.
fn words(dataset: &Dataset, target: ArrayView1<'_, f32>) -> String {
    if dataset.category == Category::Regression {
        let numbers = target
            .iter()
            .take(MOST_WORDS)
            .map(|value| format!("{value:.4}"));
        return numbers.collect::<Vec<_>>().join(", ");
    }
    let set = target.iter().enumerate().filter(|(_, bit)| **bit > 0.5);
    let names: Vec<String> = set
        .map(|(label, _)| {
            dataset
                .labels
                .get(label)
                .cloned()
                .unwrap_or_else(|| label.to_string())
        })
        .collect();
    match names.len() {
        0 => "nothing".into(),
        count if count > MOST_WORDS => format!("{count} labels"),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open_task;
    use ndarray::{Array2, array};

    fn load(name: &str) -> (TaskConfig, Dataset) {
        let task = open_task(name, &[]).unwrap();
        let dataset = task.load(0).unwrap();
        (task, dataset)
    }

    #[test]
    fn every_task_that_is_at_hand_can_be_shown() {
        // Four more need files.
        let elsewhere = [
            "sequential-mnist",
            "fashion-mnist",
            "spoken-digits",
            "santa-fe",
            "files",
        ];
        let mut shown = 0;
        for name in TaskConfig::NAMES
            .iter()
            .filter(|name| !elsewhere.contains(name))
        {
            let (task, dataset) = load(name);
            let picture = show_examples(&task, &dataset, 3).unwrap();
            for word in [name, "input", "target", "step"] {
                assert!(
                    picture.svg().contains(word),
                    "{word} is missing from the picture of {name}"
                );
            }
            shown += 1;
        }
        assert_eq!(shown, 21);
    }

    #[test]
    fn a_text_has_a_row_for_each_symbol_that_is_shown() {
        let (task, dataset) = load("text");
        let dataset = spelt_out(&dataset, 1);
        // First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll
        let symbols = "\n ,.:ABCFacdefhiklmnoprstuwyz".chars();
        let names: Vec<String> = symbols
            .map(|symbol| match symbol {
                '\n' => "\\n".into(),
                ' ' => "space".into(),
                other => other.to_string(),
            })
            .collect();
        assert_eq!(dataset.labels, names);
        let one = sequence(&task, &dataset, 0);
        assert_eq!(one.tracks[0].channels, names);
        assert_eq!(one.tracks[0].style, Style::Cells);
        assert_eq!(one.tracks[1].channels, names);
        assert!(
            one.tracks[0]
                .values
                .rows()
                .into_iter()
                .all(|row| row.sum() == 1.0)
        );
    }

    #[test]
    fn examples_are_of_different_classes() {
        let (_, dataset) = load("japanese-vowels");
        let chosen = choose(&dataset, 4);
        let classes: Vec<_> = chosen
            .iter()
            .map(|&index| &dataset.train[index].targets)
            .collect();
        for (index, class) in classes.iter().enumerate() {
            assert!(!classes[..index].contains(class));
        }
        assert_eq!(choose(&dataset, 20).len(), 20);
    }

    #[test]
    fn the_target_is_said_in_words_and_drawn_at_its_step() {
        let (task, dataset) = load("sequential-digits");
        let one = sequence(&task, &dataset, 0);
        let digit = dataset.train[0]
            .targets
            .iter()
            .position(|&bit| bit == 1.0)
            .unwrap();
        assert!(
            one.caption.ends_with(&format!("target at step 7: {digit}")),
            "{}",
            one.caption
        );
        assert_eq!(one.image.unwrap().dim(), (8, 8));
        assert_eq!(one.tracks[1].channels, [digit.to_string()]);
        assert_eq!(one.tracks[1].steps, [7]);
        // Pixels are 0 to 16 before they are standardised.
        let whole =
            |pixel: &f32| (pixel - pixel.round()).abs() < 1e-3 && (-0.01..16.01).contains(pixel);
        assert!(
            one.tracks[0].values.iter().all(whole),
            "{:?}",
            one.tracks[0].values
        );
    }

    #[test]
    fn channels_that_are_too_many_are_left_out_and_counted() {
        let task = open_task("memory-capacity", &["task.delays=5000".parse().unwrap()]);
        let task = task.unwrap();
        let dataset = task.load(0).unwrap();
        let one = sequence(&task, &dataset, 0);
        assert_eq!(one.tracks[1].name, "target, 100 of 5000");
        assert_eq!(one.tracks[1].channels.last().unwrap(), "delay 100");
        assert!(show_examples(&task, &dataset, 1).is_ok());
    }

    #[test]
    fn of_a_long_sequence_the_part_about_the_first_scored_step_is_shown() {
        let sample = |scored: Vec<usize>| Sample {
            inputs: Array2::zeros((3_000, 1)),
            targets: Array2::zeros((scored.len(), 1)),
            scored,
        };
        for (scored, expected) in [
            (vec![2_999], 2_000..3_000),
            (vec![100, 101], 0..400),
            (vec![1_000, 1_001], 800..1_200),
        ] {
            assert_eq!(
                window(&sample(scored.clone()), 3_000, Style::Lines),
                expected,
                "{scored:?}"
            );
        }
    }

    #[test]
    fn symbols_and_many_channels_are_cells() {
        let style = |values: Array2<f32>| style(values.iter(), values.ncols());
        assert_eq!(style(array![[0.0, 1.0], [1.0, 0.0]]), Style::Cells);
        assert_eq!(style(array![[0.5, 1.0], [1.0, 0.0]]), Style::Lines);
        assert_eq!(style(array![[0.0], [1.0]]), Style::Lines);
        assert_eq!(style(Array2::from_elem((1, 5), 0.3)), Style::Cells);
    }
}
