//! A track: channels of a sequence over time, as lines or as cells.

use ndarray::{Array2, ArrayView1};
use plotters::style::RGBColor;

use super::{MARGIN, RIGHT as KEYS};
use crate::canvas::{
    At, Drawn, FAINT, GRID, INK, PAPER, SMALL, Sheet, VOID, between, colour, fill, frame, line,
    write,
};
use crate::key::key;
use crate::text::{fit_all, short, width_of, wrap};
use crate::{Axis, PictureError};

/// How a track is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// A line per channel.
    #[default]
    Lines,
    /// As lines, the first channel broad and pale: others can be compared with it where they lie upon it. Where it goes up
    /// and down so steeply that it would cover its own ground, it is less broad.
    Compare,
    /// A cell per step and channel, the darker the larger, with the scale beside them; negative numbers have a colour of
    /// their own.
    Cells,
}

/// Channels over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Track {
    /// What it is, at its left.
    pub name: String,
    /// The channels' names; where there are none, they are numbered.
    pub channels: Vec<String>,
    /// The steps that have values, ascending.
    pub steps: Vec<usize>,
    /// The values, `[steps.len(), channels]`.
    pub values: Array2<f32>,
    /// How it is drawn.
    pub style: Style,
}

/// The width of a row of the track's name, beside lines and beside cells.
const NAME: i32 = 160;
const NARROW_NAME: i32 = 120;
const NAME_ROW: i32 = 30;
const MOST_NAME_ROWS: usize = 8;
/// Between the names of channels and time.
const SPACE: i32 = 14;
/// The keys of the lines that fit.
const MOST_KEYS: usize = 6;

const POSITIVE: RGBColor = RGBColor(8, 69, 128);
const NEGATIVE: RGBColor = RGBColor(166, 74, 0);

/// Time on the paper.
pub(super) struct Time {
    pub(super) left: i32,
    pub(super) right: i32,
    pub(super) length: usize,
}

impl Time {
    /// From where to where a step is.
    pub(super) fn span(&self, step: usize) -> (i32, i32) {
        let at = |step: usize| {
            let part = step as f64 / self.length.max(1) as f64;
            self.left + (part * f64::from(self.right - self.left)).round() as i32
        };
        (at(step), at(step + 1))
    }
}

impl Track {
    pub(super) fn check(&self, title: &str, length: usize) -> Result<(), PictureError> {
        let [rows, columns] = [self.values.nrows(), self.values.ncols()];
        let problem = if rows != self.steps.len() {
            format!(
                "{} steps need as many rows of values, got {rows}",
                self.steps.len()
            )
        } else if !self.channels.is_empty() && self.channels.len() != columns {
            format!(
                "{} names of channels need as many columns of values, got {columns}",
                self.channels.len()
            )
        } else if let Some(step) = self.steps.iter().find(|&&step| step >= length) {
            format!("step {step} is not among the {length} steps that are shown")
        } else {
            return Ok(());
        };
        Err(PictureError::shape(
            title,
            format!("track {:?}: {problem}", self.name),
        ))
    }

    /// How high the track is under a name.
    pub(super) fn height(&self, name: &str) -> i32 {
        let name = self.name_rows(name).len() as i32 * NAME_ROW + 8;
        let least = match self.style {
            Style::Lines | Style::Compare => 190,
            Style::Cells => (self.values.ncols() as i32 * self.row()).max(34),
        };
        least.max(name)
    }

    fn name_rows(&self, name: &str) -> Vec<String> {
        let width = match self.style {
            Style::Lines | Style::Compare => NAME,
            Style::Cells => NARROW_NAME,
        };
        wrap(name, SMALL, width, MOST_NAME_ROWS)
    }

    /// The height of a row of cells: that of its name, or less where there are many.
    fn row(&self) -> i32 {
        let channels = self.values.ncols().max(1) as i32;
        if channels <= 30 {
            34
        } else {
            (480 / channels).max(6)
        }
    }

    /// What some of the channels are called, in at most `width`.
    fn channels(&self, which: &[usize], width: i32) -> Vec<String> {
        let own = |&channel: &usize| {
            let own = self.channels.get(channel).cloned();
            own.unwrap_or_else(|| channel.to_string())
        };
        let names: Vec<String> = which.iter().map(own).collect();
        fit_all(&names, SMALL, width)
    }

    pub(super) fn draw(&self, sheet: &Sheet<'_>, time: &Time, top: i32, name: &str) -> Drawn {
        let bottom = top + self.height(name);
        let rows = self.name_rows(name);
        let mut y = top + 17;
        for row in &rows {
            write(sheet, row, (MARGIN, y), At::Left, SMALL, INK)?;
            y += NAME_ROW;
        }
        match self.style {
            Style::Cells => {
                let rows = rows.iter().map(|row| width_of(row, SMALL));
                let left = MARGIN + rows.max().unwrap_or(0) + 2 * SPACE;
                let below = top + self.values.ncols() as i32 * self.row();
                self.cells(sheet, time, [left, top, below])?;
                frame(sheet, [time.left, top, time.right, below], GRID)
            }
            Style::Lines | Style::Compare => {
                self.lines(sheet, time, top, bottom)?;
                frame(sheet, [time.left, top, time.right, bottom], GRID)
            }
        }
    }

    /// Draws cells from `top` to `bottom`, their names to the right of `left`.
    fn cells(&self, sheet: &Sheet<'_>, time: &Time, [left, top, bottom]: [i32; 3]) -> Drawn {
        let (row, channels) = (self.row(), self.values.ncols());
        fill(sheet, [time.left, top, time.right, bottom], VOID)?;
        let [low, high] = self
            .finite()
            .fold([0.0_f64; 2], |[low, high], x| [low.min(x), high.max(x)]);
        let largest = high.max(-low);
        let shade = |value: f64| {
            let part = value / largest.max(f64::MIN_POSITIVE);
            match part < 0.0 {
                true => between(PAPER, NEGATIVE, -part),
                false => between(PAPER, POSITIVE, part),
            }
        };
        for (&step, values) in self.steps.iter().zip(self.values.rows()) {
            let (left, right) = time.span(step);
            for (channel, &value) in values.iter().enumerate() {
                let colour = match value.is_finite() {
                    true => shade(f64::from(value)),
                    false => VOID,
                };
                let y = top + channel as i32 * row;
                fill(sheet, [left, y, right, y + row], colour)?;
            }
        }
        // All names where they have room, else the first and the last.
        let (named, height) = match (channels, row < 30) {
            (0, _) => (Vec::new(), row),
            (_, false) => ((0..channels).collect(), row),
            (_, true) => (vec![0, channels - 1], 28),
        };
        let names = self.channels(&named, time.left - SPACE - left);
        for (&channel, name) in named.iter().zip(names) {
            let y = match (channel, row < 30) {
                (0, true) => top + height / 2,
                (_, true) => bottom - height / 2,
                (_, false) => top + channel as i32 * row + row / 2,
            };
            let at = (time.left - SPACE, y);
            write(sheet, &name, at, At::Right, SMALL, FAINT)?;
            if row >= 30 && channel > 0 {
                let y = top + channel as i32 * row;
                line(sheet, vec![(time.left, y), (time.right, y)], GRID, 1)?;
            }
        }
        let ends = [
            if low < 0.0 { -largest } else { 0.0 },
            if high > 0.0 { largest } else { 0.0 },
        ];
        // Where all is 0 there is no scale.
        if ends[0] == ends[1] {
            return Ok(());
        }
        let names = ends.map(short);
        let place = (time.right + 20, top + 17);
        key(sheet, place, KEYS - 44, [&names[0], &names[1]], |part| {
            shade(ends[0] + part * (ends[1] - ends[0]))
        })
    }

    fn lines(&self, sheet: &Sheet<'_>, time: &Time, top: i32, bottom: i32) -> Drawn {
        let axis = Axis::new("");
        let Some([low, high]) = axis.ends(self.finite(), 0.06) else {
            return Ok(());
        };
        let y = |value: f64| {
            let part = (value - low) / (high - low);
            bottom - (part * f64::from(bottom - top)).round() as i32
        };
        let ticks = axis.ticks([low, high], 4);
        let names = axis.names(&ticks);
        for (tick, name) in ticks.into_iter().zip(names) {
            line(
                sheet,
                vec![(time.left, y(tick)), (time.right, y(tick))],
                GRID,
                2,
            )?;
            // The name of the track is in the corner.
            let at = (time.left - SPACE, y(tick));
            write(sheet, &name, at, At::Right, SMALL, FAINT)?;
        }
        let paths = |values| -> Vec<Vec<(i32, i32)>> {
            let runs = self.runs(values).into_iter();
            let point = |(step, value)| {
                let (from, to) = time.span(step);
                ((from + to) / 2, y(value))
            };
            runs.map(|run| run.into_iter().map(point).collect())
                .collect()
        };
        let paths: Vec<_> = self.values.columns().into_iter().map(paths).collect();
        let steep = steepness(paths.first().map_or(&[], Vec::as_slice));
        let dotted = match self.style {
            Style::Compare => 40,
            Style::Lines | Style::Cells => 120,
        };
        for (channel, paths) in paths.into_iter().enumerate() {
            let (colour, width) = self.pen(channel, steep);
            for points in paths {
                // A lone step would be no line at all, and few steps are easier to tell from one another with dots.
                if points.len() == 1 || time.length <= dotted {
                    for &(x, y) in &points {
                        fill(sheet, [x - 5, y - 5, x + 5, y + 5], colour)?;
                    }
                }
                line(sheet, points, colour, width)?;
            }
        }
        let count = self.values.ncols();
        if count < 2 && self.channels.is_empty() {
            return Ok(());
        }
        let shown: Vec<usize> = (0..count.min(MOST_KEYS)).collect();
        let mut names = self.channels(&shown, KEYS - 70);
        if count > MOST_KEYS {
            names[MOST_KEYS - 1] = format!("… {count} in all");
        }
        for (channel, name) in names.iter().enumerate() {
            let y = top + 17 + channel as i32 * 32;
            let x = time.right + 20;
            let (colour, width) = self.pen(channel, steep);
            line(sheet, vec![(x, y), (x + 30, y)], colour, width.max(6))?;
            write(sheet, name, (x + 42, y), At::Left, SMALL, INK)?;
        }
        Ok(())
    }

    /// The colour and the width of a channel's line.
    fn pen(&self, channel: usize, steep: f64) -> (RGBColor, u32) {
        let broad = (22.0 / steep.max(1.0)).round().clamp(5.0, 11.0) as u32;
        match (self.style, channel) {
            (Style::Compare, 0) => (between(PAPER, colour(0), 0.5), broad),
            (Style::Compare, _) if broad < 8 => (colour(channel), 2),
            _ => (colour(channel), 3),
        }
    }

    /// The values of a channel as they follow one another without a gap.
    fn runs(&self, values: ArrayView1<'_, f32>) -> Vec<Vec<(usize, f64)>> {
        let known = self.steps.iter().zip(values);
        let known = known.filter(|(_, value)| value.is_finite());
        let known: Vec<_> = known
            .map(|(&step, &value)| (step, f64::from(value)))
            .collect();
        let runs = known.chunk_by(|one, next| one.0 + 1 == next.0);
        runs.map(<[_]>::to_vec).collect()
    }

    fn finite(&self) -> impl Iterator<Item = f64> + '_ {
        let values = self.values.iter().map(|&value| f64::from(value));
        values.filter(|value| value.is_finite())
    }
}

/// How long paths are beside their extent in time.
fn steepness(paths: &[Vec<(i32, i32)>]) -> f64 {
    let steps = paths.iter().flat_map(|path| path.windows(2));
    let [length, extent] = steps.fold([0.0_f64; 2], |[length, extent], pair| {
        let (across, up) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        let [across, up] = [across, up].map(f64::from);
        [length + across.hypot(up), extent + across]
    });
    length / extent.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_line_is_broken_where_steps_or_values_are_missing() {
        let track = Track {
            steps: vec![0, 1, 3, 4, 5],
            values: array![[1.0], [2.0], [3.0], [f32::NAN], [5.0]],
            ..Track::default()
        };
        let runs = track.runs(track.values.column(0));
        assert_eq!(
            runs,
            [vec![(0, 1.0), (1, 2.0)], vec![(3, 3.0)], vec![(5, 5.0)]]
        );
    }

    #[test]
    fn a_dense_truth_is_less_broad_than_a_smooth_one() {
        let compare = Track {
            style: Style::Compare,
            ..Track::default()
        };
        let width = |up: i32| {
            let path: Vec<_> = (0..100).map(|step| (step * 3, step % 2 * up)).collect();
            compare.pen(0, steepness(&[path])).1
        };
        assert_eq!([width(0), width(3)], [11, 11]);
        assert_eq!(width(100), 5);
        assert!(compare.pen(1, 30.0).1 < 5);
    }
}
