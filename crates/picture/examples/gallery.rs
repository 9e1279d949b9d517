//! Draws one picture of each kind: `cargo run -p ran-picture --example gallery -- DIR`.

use std::error::Error;
use std::fs;
use std::path::Path;

use ndarray::Array2;
use ran_picture::{
    Axis, Chart, ColourScale, Curve, LabelCount, Mark, Picture, Scale, Scatter, Sequence, Series,
    Stroke, Style, Surface, Track, charts, confusion, label_counts, sequences,
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
        ("hostile-confusion", hostile_matrix()?),
        ("hostile-labels", hostile_labels()?),
        ("hostile-sequences", hostile_sequences()?),
        ("panels", panels()?),
        ("scatter", scatter()?),
        ("hostile-scatter", hostile_scatter()?),
    ] {
        fs::write(folder.join(format!("{name}.svg")), picture.svg())?;
        fs::write(folder.join(format!("{name}.png")), picture.png()?)?;
    }
    Ok(())
}

fn scatter() -> Result<Picture, Box<dyn Error>> {
    let points = (1..400_u32).map(|at| [f64::from(at * 37 % 97 + 1), f64::from(at * 61 % 89 + 1)]);
    let points: Vec<[f64; 2]> = points.collect();
    let size = |&[x, y]: &[f64; 2]| 10.0 * x * y * y;
    let logarithms: Vec<f64> = points.iter().map(|point| size(point).ln()).collect();
    let surface = Surface::new(&points, &logarithms).ok_or("no surface")?;
    let curve = |name: &str, level: f64| Curve {
        name: name.into(),
        pieces: surface.curves(level.ln()),
    };
    let dots = points.iter().map(|point| Mark::Dot {
        at: *point,
        value: (point[0] > 3.0).then(|| 1.0 - (size(point).ln() - 12.0).abs() / 20.0),
    });
    let scatter = Scatter {
        title: "Accuracy over two widths".into(),
        x: Axis::new("units"),
        y: Axis::new("width of a unit"),
        marks: dots.collect(),
        colour: ColourScale {
            label: "accuracy".into(),
            ..ColourScale::default()
        },
        curves: vec![
            curve("10k", 1e4),
            curve("100k", 1e5),
            curve("1M", 1e6),
            curve("5M", 5e6),
        ],
        ..Scatter::default()
    };
    Ok(scatter.draw()?)
}

fn hostile_scatter() -> Result<Picture, Box<dyn Error>> {
    let names = hostile_names(12);
    let cell = |at: usize| {
        let (x, y) = ((at % 12) as f64, (at / 12) as f64);
        Mark::Cell {
            x: [x - 0.5, x + 0.5],
            y: [y - 0.5, y + 0.5],
            value: at as f64,
        }
    };
    let scatter = Scatter {
        title: names[0].clone(),
        x: Axis::new(&names[1]),
        y: Axis::new(&names[2]),
        names: [names.clone(), names.clone()],
        marks: (0..144).map(cell).collect(),
        colour: ColourScale {
            label: names[3].clone(),
            names: [names[4].clone(), names[5].clone()],
            ..ColourScale::default()
        },
        ..Scatter::default()
    };
    Ok(scatter.draw()?)
}

/// Names that begin alike and are longer than any picture has room for.
fn hostile_names(count: usize) -> Vec<String> {
    let stem = "温度センサー \"north\" <&> of the long hall behind the second door";
    (0..count).map(|at| format!("{stem} {at}")).collect()
}

fn hostile_matrix() -> Result<Picture, Box<dyn Error>> {
    let names = hostile_names(50);
    let counts = Array2::from_shape_fn((50, 50), |(row, column)| {
        if row == column {
            12_000
        } else {
            row * column % 11
        }
    });
    Ok(confusion(&names[0], &names, counts.view(), 17)?)
}

fn hostile_labels() -> Result<Picture, Box<dyn Error>> {
    let counts = (0..6).map(|at| LabelCount {
        found: at * 100_000,
        missed: at,
        wrong: 1,
        absent: 0,
    });
    let counts: Vec<_> = counts.collect();
    Ok(label_counts(
        &hostile_names(1)[0],
        &hostile_names(6),
        &counts,
    )?)
}

fn hostile_sequences() -> Result<Picture, Box<dyn Error>> {
    let track = |name: &str, style, values: Array2<f32>| Track {
        name: name.into(),
        channels: hostile_names(values.ncols()),
        steps: (0..values.nrows()).collect(),
        values,
        style,
    };
    let names = hostile_names(3);
    let rough = |steps, width| {
        Array2::from_shape_fn((steps, width), |(step, channel)| {
            let angle = ((step * 7919 + channel * 104_729) % 1_000) as f32;
            1e7 + 1234.5 * angle.sin()
        })
    };
    let mut holes = rough(120, 2);
    holes.slice_mut(ndarray::s![30..60, 1]).fill(f32::NAN);
    let sequence = |length, tracks| Sequence {
        caption: names[1].repeat(3),
        first: 0,
        length,
        tracks,
        image: None,
    };
    let all = [
        sequence(
            120,
            vec![
                track(&names[0], Style::Compare, rough(120, 2)),
                track(&names[1], Style::Compare, holes),
                track(&names[2], Style::Lines, rough(120, 9)),
            ],
        ),
        sequence(
            1,
            vec![
                track(&names[0], Style::Lines, rough(1, 1)),
                track(&names[1], Style::Cells, rough(1, 1)),
                track("input", Style::Cells, -rough(1, 4)),
            ],
        ),
    ];
    Ok(sequences(&names[0], &all)?)
}

fn panels() -> Result<Picture, Box<dyn Error>> {
    let panel = |title: &str, scale| Chart {
        title: title.into(),
        x: Axis {
            scale: Scale::Count,
            ..Axis::new("epoch")
        },
        y: Axis {
            scale,
            ..Axis::new(title)
        },
        series: vec![
            Series::new(
                "training",
                (1..6)
                    .map(|x| [f64::from(x), 1.0 / f64::from(x * x)])
                    .collect(),
            ),
            Series::new("validation", (1..6).map(|x| [f64::from(x), 0.5]).collect()),
        ],
        marks: vec![(4.0, "best epoch: 4".into())],
    };
    Ok(charts(&[
        panel("loss", Scale::Log),
        panel("accuracy", Scale::Linear),
    ])?)
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
