//! Two keys and the score as pictures for a paper.

use std::collections::BTreeMap;

use ran_picture::{Axis as PictureAxis, ColourScale, Curve, Mark, Picture, Scale, Scatter};

use super::ReportError;
use super::axis::{Axis, axes};
use super::colours::{Colours, scored};
use super::curves::curves;
use crate::Results;

/// The pictures of two keys. At 12 cm width their type is at least 8 points high.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// A dot per trial in the colour of its score, the best on top; a cross for a trial without a score.
    pub points: Picture,
    /// The mean score of the trials in each cell.
    pub cells: Picture,
}

/// Draws two axes (keys of the space by name or by [label](Results::label), `score`, `parameters` or `seconds`) with the score
/// as colour, brighter where it is better, and with curves of equal numbers of parameters, trained and fixed together,
/// where the two keys determine it.
///
/// # Errors
///
/// When there is no such key, or no trial has a score, or none that has one has a place on both axes.
pub fn figures(results: &Results, x: &str, y: &str) -> Result<Figures, ReportError> {
    let axes = axes(results);
    let find = |name: &str| {
        let found = axes
            .iter()
            .find(|axis| axis.name == name || axis.label == name);
        found.ok_or_else(|| {
            let known: Vec<&str> = axes.iter().map(|axis| &*axis.name).collect();
            ReportError::UnknownKey {
                key: name.into(),
                known: known.join(", "),
            }
        })
    };
    let (x, y) = (find(x)?, find(y)?);
    let colours = Colours::of(results).ok_or_else(|| ReportError::NoScore {
        name: results.name.clone(),
    })?;
    let clip = match (colours.clipped, results.higher_is_better) {
        (false, _) => "",
        (true, true) => "≤ ",
        (true, false) => "≥ ",
    };
    let curves = curves(results, x, y).into_iter();
    let scatter = Scatter {
        title: results.name.clone(),
        x: picture_axis(x),
        y: picture_axis(y),
        names: [x.categories.clone(), y.categories.clone()],
        marks: Vec::new(),
        colour: ColourScale {
            label: format!("{} {}", results.judged_data(), results.metric),
            ends: Some([colours.worst, colours.best]),
            names: [
                format!("{clip}{}", short(colours.worst)),
                format!("{} best", short(colours.best)),
            ],
        },
        curves: curves
            .map(|curve| Curve {
                name: curve.name,
                pieces: curve.pieces,
            })
            .collect(),
    };
    let points = Scatter {
        marks: dots(results, x, y),
        ..scatter.clone()
    };
    let cells = Scatter {
        marks: cells(results, x, y),
        ..scatter
    };
    Ok(Figures {
        points: points.draw()?,
        cells: cells.draw()?,
    })
}

fn picture_axis(axis: &Axis) -> PictureAxis {
    let scale = if axis.logarithmic {
        Scale::Log
    } else {
        Scale::Linear
    };
    PictureAxis {
        scale,
        ..PictureAxis::new(&axis.label)
    }
}

/// Trials without a score first, then the worst, so that the best are seen.
fn dots(results: &Results, x: &Axis, y: &Axis) -> Vec<Mark> {
    let mut trials: Vec<_> = results.trials.iter().collect();
    let goodness = |score: Option<f64>| {
        let score = score.filter(|score| score.is_finite());
        score.map_or(f64::NEG_INFINITY, |score| results.goodness(score))
    };
    trials.sort_by(|one, other| goodness(one.score).total_cmp(&goodness(other.score)));
    let placed = trials.into_iter().filter_map(|trial| {
        let at = [x.at(trial)?, y.at(trial)?];
        Some(Mark::Dot {
            at,
            value: trial.score,
        })
    });
    placed.collect()
}

fn cells(results: &Results, x: &Axis, y: &Axis) -> Vec<Mark> {
    let mut cells: BTreeMap<[u64; 2], Cell> = BTreeMap::new();
    for (trial, score) in scored(results) {
        let sides = [x, y].map(|axis| axis.cell(axis.at(trial)?));
        if let [Some(x), Some(y)] = sides {
            let place = [x[0].to_bits(), y[0].to_bits()];
            let scores = Vec::new();
            let cell = cells.entry(place).or_insert(Cell { x, y, scores });
            cell.scores.push(score);
        }
    }
    let cells = cells.into_values().map(|Cell { x, y, scores }| {
        let value = scores.iter().sum::<f64>() / scores.len() as f64;
        Mark::Cell { x, y, value }
    });
    cells.collect()
}

struct Cell {
    x: [f64; 2],
    y: [f64; 2],
    scores: Vec<f64>,
}

/// Four digits.
fn short(value: f64) -> String {
    let size = value.abs();
    if value != 0.0 && !(1e-3..1e5).contains(&size) {
        return format!("{value:.2e}");
    }
    let decimals = if value == 0.0 {
        0
    } else {
        (3 - size.log10().floor() as i32).max(0)
    };
    let text = format!("{value:.*}", decimals as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}
