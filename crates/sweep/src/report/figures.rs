//! What a sweep came to as pictures for a paper.

use std::collections::BTreeMap;

use ran_picture::{
    Axis as PictureAxis, Bar, ColourScale, Curve, Mark, Parallel, ParallelLine, Picture, Scale,
    Scatter, bars,
};

use super::ReportError;
use super::axis::{Axis, axes};
use super::colours::{Colours, scored};
use super::curves::curves;
use super::importance::Importance;
use crate::{Results, Trial};

/// A picture and what its file is called. At 12 cm width its type is at least 8 points high.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// - `points`: a dot per trial over two keys in the colour of its score, the best on top, and a cross for a trial without a
    ///   score.
    /// - `cells`: the mean score of the trials in each cell of these keys.
    /// - `parallel`: parallel coordinates of all keys and the score.
    /// - `convergence`: the scores in the order of the trials, and the best so far. Here and in `parallel`, scores that are much
    ///   worse than the others lie at the edge of the axis.
    /// - `importance`: the share of the score's variance that keys explain.
    pub name: &'static str,
    /// The picture.
    pub picture: Picture,
}

/// Bars of importance, at most.
const BARS: usize = 100;
/// Pairs of keys whose importance is shown, beyond that of both alone.
const PAIRS: usize = 4;
/// Pairs with a smaller share are left out.
const LEAST: f64 = 0.01;

/// Draws the results. The colour is the score everywhere, brighter where it is better. The two axes of `points` and `cells` are
/// keys of the space by name or by [label](Results::label), `score`, `parameters` or `seconds`; by default they are the first two keys
/// with numbers for which a trial with a score has values, and without two such keys there is neither. Curves of equal numbers of
/// parameters, trained and fixed together, are drawn where the two keys determine it. There is no `importance` where too few trials
/// have a score, or all have the same.
///
/// # Errors
///
/// When there is no such key, or no trial has a score, or none that has one has a place on both axes.
pub fn figures(results: &Results, pair: Option<[&str; 2]>) -> Result<Vec<Figure>, ReportError> {
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
    let pair = match pair {
        Some([x, y]) => Some([find(x)?, find(y)?]),
        None => first_pair(results, &axes),
    };
    let colours = Colours::of(results).ok_or_else(|| ReportError::NoScore {
        name: results.name.clone(),
    })?;
    let clip = match (colours.clipped, results.higher_is_better) {
        (false, _) => "",
        (true, true) => "≤ ",
        (true, false) => "≥ ",
    };
    let colour = ColourScale {
        label: score_name(results),
        ends: Some([colours.worst, colours.best]),
        names: [
            format!("{clip}{}", short(colours.worst)),
            format!("{} best", short(colours.best)),
        ],
    };
    let mut drawn = Vec::new();
    if let Some([x, y]) = pair {
        let scatter = Scatter {
            title: results.name.clone(),
            x: picture_axis(x),
            y: picture_axis(y),
            marks: dots(results, x, y),
            colour: colour.clone(),
            curves: curves(results, x, y)
                .into_iter()
                .map(|curve| Curve {
                    name: curve.name,
                    pieces: curve.pieces,
                })
                .collect(),
        };
        drawn.push(("points", scatter.draw()?));
        let marks = cells(results, x, y);
        drawn.push(("cells", Scatter { marks, ..scatter }.draw()?));
    }
    let score = score_axis(results, &colours);
    let listed: Vec<&Axis> = axes.iter().filter(|axis| axis.key).collect();
    drawn.push(("parallel", parallel(results, &listed, &score, &colour)?));
    drawn.push(("convergence", convergence(results, score, colour)?));
    if let Some(bars) = importance(results, &axes) {
        drawn.push(("importance", bars?));
    }
    let drawn = drawn.into_iter();
    Ok(drawn
        .map(|(name, picture)| Figure { name, picture })
        .collect())
}

/// The first two keys with numbers for which a trial with a score has values.
fn first_pair<'a>(results: &Results, axes: &'a [Axis]) -> Option<[&'a Axis; 2]> {
    let numbers: Vec<&Axis> = axes
        .iter()
        .filter(|axis| axis.key && axis.of_numbers())
        .collect();
    let first = numbers.iter().enumerate();
    let mut pairs = first.flat_map(|(at, &x)| numbers[at + 1..].iter().map(move |&y| [x, y]));
    pairs.find(|pair| {
        let has_both = |trial: &Trial| pair.iter().all(|axis| axis.at(trial).is_some());
        scored(results).any(|(trial, _)| has_both(trial))
    })
}

fn score_name(results: &Results) -> String {
    format!("{} {}", results.judged_data(), results.metric)
}

/// The axis of scores. Those that are much worse than the dark end lie at its edge, so that the others can be told apart.
fn score_axis(results: &Results, colours: &Colours) -> PictureAxis {
    let (worst, best) = (colours.worst, colours.best);
    let beyond = worst - 0.3 * (best - worst);
    let room = 0.05 * (best - worst);
    let ends = [beyond.min(best + room), beyond.max(best + room)];
    PictureAxis {
        range: colours.clipped.then_some(ends),
        ..PictureAxis::new(&score_name(results))
    }
}

/// Each scored trial as a line through all keys and its score, the best on top.
fn parallel(
    results: &Results,
    keys: &[&Axis],
    score: &PictureAxis,
    colour: &ColourScale,
) -> Result<Picture, ReportError> {
    let lines = by_score(results).into_iter().filter_map(|trial| {
        let value = trial.score.filter(|score| score.is_finite())?;
        let places = keys.iter().map(|axis| axis.at(trial));
        let at = places.chain([Some(value)]).collect();
        Some(ParallelLine { at, value })
    });
    let axes = keys.iter().map(|axis| picture_axis(axis));
    let picture = Parallel {
        title: results.name.clone(),
        lines: lines.collect(),
        axes: axes.chain([score.clone()]).collect(),
        colour: colour.clone(),
    };
    Ok(picture.draw()?)
}

/// The scores in the order of the trials, and the best so far.
fn convergence(
    results: &Results,
    score: PictureAxis,
    colour: ColourScale,
) -> Result<Picture, ReportError> {
    let (mut marks, mut steps) = (Vec::new(), Vec::new());
    let mut found: Option<f64> = None;
    let edge = score.range.map_or(f64::NEG_INFINITY, |[low, high]| {
        results.goodness(low).min(results.goodness(high))
    });
    for (trial, value) in scored(results) {
        // What lies at the edge of the axis.
        let value = results.goodness(results.goodness(value).max(edge));
        let number = trial.trial as f64;
        let dot = [number, value];
        marks.push(Mark::Dot {
            at: dot,
            value: Some(value),
        });
        let best = found.filter(|&best| results.goodness(best) >= results.goodness(value));
        // A step: across at the former best, then up or down to the new one.
        steps.extend(found.map(|former| [number, former]));
        steps.push([number, best.unwrap_or(value)]);
        found = best.or(Some(value));
    }
    let last = results.trials.last().map_or(0, |trial| trial.trial);
    steps.extend(found.map(|best| [last as f64, best]));
    let picture = Scatter {
        title: format!("{}; line: the best so far", results.name),
        x: PictureAxis {
            scale: Scale::Count,
            ..PictureAxis::new("trial")
        },
        y: score,
        marks,
        colour,
        curves: vec![Curve {
            name: String::new(),
            pieces: vec![steps],
        }],
    };
    Ok(picture.draw()?)
}

/// The importance of keys, and of pairs beyond both keys alone; none where it cannot be told.
fn importance(results: &Results, axes: &[Axis]) -> Option<Result<Picture, ReportError>> {
    let found = Importance::of(results, axes);
    if found.problem.is_some() {
        return None;
    }
    let keys = found.keys.iter().map(|(key, share)| Bar {
        name: results.label(key),
        share: *share,
        pale: false,
    });
    let pairs = found.pairs.iter().filter(|(.., share)| *share >= LEAST);
    let pairs = pairs.take(PAIRS).map(|(one, other, share)| Bar {
        name: format!("{} × {}", results.label(one), results.label(other)),
        share: *share,
        pale: true,
    });
    let mut all: Vec<Bar> = keys.chain(pairs).collect();
    all.sort_by(|one, other| other.share.total_cmp(&one.share));
    all.truncate(BARS);
    let label = format!("share of the variance of {}", score_name(results));
    Some(bars(&results.name, &label, &all).map_err(ReportError::from))
}

fn picture_axis(axis: &Axis) -> PictureAxis {
    let scale = if axis.logarithmic {
        Scale::Log
    } else {
        Scale::Linear
    };
    PictureAxis {
        scale,
        categories: axis.categories.clone(),
        ..PictureAxis::new(&axis.label)
    }
}

/// Trials without a score first, then the worst, so that the best are seen.
fn by_score(results: &Results) -> Vec<&Trial> {
    let mut trials: Vec<_> = results.trials.iter().collect();
    let goodness = |score: Option<f64>| {
        let score = score.filter(|score| score.is_finite());
        score.map_or(f64::NEG_INFINITY, |score| results.goodness(score))
    };
    trials.sort_by(|one, other| goodness(one.score).total_cmp(&goodness(other.score)));
    trials
}

fn dots(results: &Results, x: &Axis, y: &Axis) -> Vec<Mark> {
    let placed = by_score(results).into_iter().filter_map(|trial| {
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
