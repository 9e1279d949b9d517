//! Draws one picture of each kind: `cargo run -p ran-picture --example gallery -- DIR`.

use std::error::Error;
use std::fs;
use std::path::Path;

use ndarray::Array2;
use ran_picture::{
    Axis, Chart, LabelCount, Picture, Scale, Sequence, Series, Stroke, Style, Track, confusion,
    label_counts, sequences,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: gallery DIR")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    for (name, picture) in [
        ("loss", loss()?),
        ("forecast", forecast()?),
        (
            "confusion",
            matrix(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])?,
        ),
        (
            "confusion-names",
            matrix(&["aeroplane", "a rather long name of a class", "c<d & e"])?,
        ),
        ("labels", labels()?),
        ("sequences", steps()?),
    ] {
        fs::write(folder.join(format!("{name}.svg")), picture.svg())?;
        fs::write(folder.join(format!("{name}.png")), picture.png()?)?;
    }
    Ok(())
}

fn labels() -> Result<Picture, Box<dyn Error>> {
    let names = [
        "orange",
        "a rather long name of a label",
        "left",
        "never due",
        "c<d & e",
    ];
    let counts = (0..names.len()).map(|at| LabelCount {
        found: [180, 75, 240, 0, 12][at],
        missed: [0, 25, 1, 0, 90][at],
        wrong: [3, 12, 0, 40, 0][at],
        absent: 100,
    });
    let counts: Vec<_> = counts.collect();
    let title = "Labels of sentences: test set, seed 0";
    Ok(label_counts(title, &names.map(String::from), &counts)?)
}

fn loss() -> Result<Picture, Box<dyn Error>> {
    let curve = |name: &str, rate: f64| Series {
        deviation: Some((1..60).map(|x| 0.3 / f64::from(x)).collect()),
        ..Series::new(
            name,
            (1..60)
                .map(|x| [f64::from(x), (-rate * f64::from(x)).exp() + 0.01])
                .collect(),
        )
    };
    let chart = Chart {
        title: "Loss over five seeds, mean and deviation".into(),
        x: Axis::new("epoch"),
        y: Axis {
            scale: Scale::Log,
            ..Axis::new("cross-entropy")
        },
        series: vec![
            curve("training, full regime", 0.2),
            curve("validation, full regime", 0.1),
            curve("training, fixed-QK regime with a rather long name", 0.15),
            curve("validation, fixed-QK regime", 0.05),
        ],
        marks: vec![(30.0, "best epoch".into())],
    };
    Ok(chart.draw()?)
}

fn forecast() -> Result<Picture, Box<dyn Error>> {
    let wave = |phase: f64| {
        (0..300)
            .map(|step| {
                [
                    f64::from(step),
                    (f64::from(step) * 0.1 + phase).sin() * 1234.5,
                ]
            })
            .collect()
    };
    let chart = Chart {
        title: "Truth against prediction".into(),
        x: Axis::new("step"),
        y: Axis::new("x (raw units)"),
        series: vec![
            Series::new("truth", wave(0.0)),
            Series {
                stroke: Stroke::Dashed,
                ..Series::new("prediction", wave(0.2))
            },
        ],
        ..Chart::default()
    };
    Ok(chart.draw()?)
}

fn matrix(names: &[&str]) -> Result<Picture, Box<dyn Error>> {
    let labels: Vec<String> = names.iter().map(ToString::to_string).collect();
    let counts = Array2::from_shape_fn((names.len(), names.len()), |(row, column)| {
        if row == column {
            1000 - row
        } else {
            row * column % 7
        }
    });
    Ok(confusion(
        "What was taken for what",
        &labels,
        counts.view(),
        0,
    )?)
}

fn steps() -> Result<Picture, Box<dyn Error>> {
    let wave = |channels| {
        Array2::from_shape_fn((40, channels), |(step, channel)| {
            ((step + 3 * channel) as f32 * 0.3).sin()
        })
    };
    let sequence = |channels, style| Sequence {
        caption: format!("{channels} channels, and their sign"),
        first: 0,
        length: 40,
        tracks: vec![
            Track {
                name: "input".into(),
                steps: (0..40).collect(),
                values: wave(channels),
                style,
                ..Track::default()
            },
            Track {
                name: "target".into(),
                channels: vec!["up".into(), "down".into()],
                steps: (10..40).step_by(2).collect(),
                values: Array2::from_shape_fn((15, 2), |(row, column)| {
                    f32::from(u8::from((row / 5) % 2 == column))
                }),
                style: Style::Cells,
            },
        ],
        image: (channels == 8).then(|| wave(40)),
    };
    let all = [
        sequence(1, Style::Lines),
        sequence(3, Style::Lines),
        sequence(8, Style::Cells),
        sequence(64, Style::Cells),
    ];
    Ok(sequences("Sequences and their targets", &all)?)
}
