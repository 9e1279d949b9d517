//! A track: channels of a sequence over time, as lines or as cells.

use ndarray::{Array2, ArrayView1};
use plotters::style::RGBColor;

use super::MARGIN;
use crate::canvas::{
    At, Drawn, FAINT, GRID, INK, PAPER, SMALL, Sheet, VOID, between, colour, fill, frame, line,
    number, shorten, write,
};
use crate::{Axis, PictureError};

/// How a track is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// A line per channel.
    #[default]
    Lines,
    /// As lines, the first channel broad and pale: others can be compared with it where they lie upon it.
    Compare,
    /// A cell per step and channel, the darker the larger; negative numbers have a colour of their own.
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

    pub(super) fn height(&self) -> i32 {
        match self.style {
            Style::Lines | Style::Compare => 190,
            Style::Cells => (self.values.ncols() as i32 * self.row()).max(34),
        }
    }

    /// The height of a row of cells: as high as its name, as long as there are not too many.
    fn row(&self) -> i32 {
        let channels = self.values.ncols().max(1) as i32;
        if channels <= 30 {
            34
        } else {
            (480 / channels).max(6)
        }
    }

    fn channel(&self, index: usize) -> String {
        let own = self.channels.get(index).cloned();
        shorten(&own.unwrap_or_else(|| index.to_string()), 16)
    }

    pub(super) fn draw(&self, sheet: &Sheet<'_>, time: &Time, top: i32) -> Drawn {
        let bottom = top + self.height();
        let name = shorten(&self.name, 14);
        write(sheet, &name, (MARGIN, top + 17), At::Left, SMALL, INK)?;
        match self.style {
            Style::Cells => self.cells(sheet, time, top)?,
            Style::Lines | Style::Compare => self.lines(sheet, time, top, bottom)?,
        }
        frame(sheet, [time.left, top, time.right, bottom], GRID)
    }

    fn cells(&self, sheet: &Sheet<'_>, time: &Time, top: i32) -> Drawn {
        let (row, channels) = (self.row(), self.values.ncols());
        fill(
            sheet,
            [time.left, top, time.right, top + self.height()],
            VOID,
        )?;
        let largest = self.finite().fold(0.0_f64, |most, x| most.max(x.abs()));
        for (&step, values) in self.steps.iter().zip(self.values.rows()) {
            let (left, right) = time.span(step);
            for (channel, &value) in values.iter().enumerate() {
                let part = f64::from(value) / largest.max(f64::MIN_POSITIVE);
                let colour = match (value.is_finite(), part < 0.0) {
                    (false, _) => VOID,
                    (true, true) => between(PAPER, NEGATIVE, -part),
                    (true, false) => between(PAPER, POSITIVE, part),
                };
                let y = top + channel as i32 * row;
                fill(sheet, [left, y, right, y + row], colour)?;
            }
        }
        // All names where they have room, else the first and the last.
        for channel in 0..channels {
            let y = top + channel as i32 * row + row / 2;
            if row >= 30 {
                let at = (time.left - 14, y);
                write(sheet, &self.channel(channel), at, At::Right, SMALL, FAINT)?;
            }
            if row >= 30 && channel > 0 {
                let y = top + channel as i32 * row;
                line(sheet, vec![(time.left, y), (time.right, y)], GRID, 1)?;
            }
        }
        if row < 30 {
            for (channel, y) in [(0, top + 14), (channels - 1, top + self.height() - 14)] {
                let at = (time.left - 14, y);
                write(sheet, &self.channel(channel), at, At::Right, SMALL, FAINT)?;
            }
        }
        Ok(())
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
        for tick in axis.ticks([low, high], 4) {
            line(
                sheet,
                vec![(time.left, y(tick)), (time.right, y(tick))],
                GRID,
                2,
            )?;
            // The name of the track is in the corner.
            let at = (time.left - 14, y(tick));
            write(sheet, &number(tick), at, At::Right, SMALL, FAINT)?;
        }
        let channels = self.values.columns().into_iter().enumerate();
        for (channel, values) in channels {
            let (colour, width) = self.pen(channel);
            for run in self.runs(values) {
                let points = run.iter().map(|&(step, value)| {
                    let (from, to) = time.span(step);
                    ((from + to) / 2, y(value))
                });
                let points: Vec<_> = points.collect();
                // A lone step would be no line at all, and few steps are easier to tell from one another with dots.
                if points.len() == 1 || time.length <= 120 {
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
        for channel in 0..count.min(6) {
            let y = top + 17 + channel as i32 * 32;
            let x = time.right + 20;
            let (colour, width) = self.pen(channel);
            line(sheet, vec![(x, y), (x + 30, y)], colour, width.max(6))?;
            let name = match channel {
                5 if count > 6 => format!("… {count} in all"),
                _ => self.channel(channel),
            };
            write(
                sheet,
                &shorten(&name, 14),
                (x + 42, y),
                At::Left,
                SMALL,
                INK,
            )?;
        }
        Ok(())
    }

    /// The colour and the width of a channel's line.
    fn pen(&self, channel: usize) -> (RGBColor, u32) {
        match (self.style, channel) {
            (Style::Compare, 0) => (between(PAPER, colour(0), 0.5), 11),
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
}
