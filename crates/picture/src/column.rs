//! Pictures as wide as a column of a paper: their size and type, and their head, with a title and what colours mean.

use plotters::style::RGBColor;

use crate::axis::extremes;
use crate::canvas::{At, Drawn, INK, LETTERS, Sheet, write};
use crate::key::key;
use crate::text::{fit, numbers, width_of};
use crate::viridis::shade;

/// At 12 cm this makes `LETTERS` 8.7 points high, which is what papers ask for.
pub(crate) const WIDTH: i32 = 880;
pub(crate) const MARGIN: i32 = 24;
pub(crate) const HEADING: i32 = 32;
/// The height of the title's and of the key's row.
const ROW: i32 = 56;

/// What colours mean: viridis (van der Walt and Smith 2015), whose brightness rises evenly, for colour-blind readers and
/// in grey too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColourScale {
    /// What is shown.
    pub label: String,
    /// The values at the dark and at the bright end, in either order; what all values need, where there are none. Values
    /// outside have the colour of the end.
    pub ends: Option<[f64; 2]>,
    /// What the key says at both ends instead of the numbers; empty for the numbers.
    pub names: [String; 2],
}

/// The head of a picture, which is as high as it has to be.
pub(crate) struct Head<'a> {
    title: &'a str,
    scale: &'a ColourScale,
    /// The values at the dark and at the bright end; none where nothing is coloured.
    ends: Option<[f64; 2]>,
}

impl<'a> Head<'a> {
    /// The head of a picture in which these values are coloured.
    pub(crate) fn of(
        title: &'a str,
        scale: &'a ColourScale,
        values: impl Iterator<Item = f64>,
    ) -> Self {
        let ends = scale.ends.or(extremes(values));
        Self { title, scale, ends }
    }

    pub(crate) fn height(&self) -> i32 {
        let rows = i32::from(!self.title.is_empty()) + i32::from(self.ends.is_some());
        MARGIN + rows * ROW
    }

    pub(crate) fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        let mut y = MARGIN + ROW / 2;
        if !self.title.is_empty() {
            let title = fit(self.title, HEADING, WIDTH - 2 * MARGIN);
            write(sheet, &title, (MARGIN, y), At::Left, HEADING, INK)?;
            y += ROW;
        }
        let Some(ends) = self.ends else { return Ok(()) };
        let numbers = numbers(&ends);
        let name = |end: usize| match &self.scale.names[end] {
            name if name.is_empty() => numbers[end].clone(),
            name => name.clone(),
        };
        let [low, high] = [0, 1].map(|end| fit(&name(end), LETTERS, WIDTH / 5));
        let label = fit(&self.scale.label, LETTERS, WIDTH / 3);
        write(sheet, &label, (MARGIN, y), At::Left, LETTERS, INK)?;
        let left = MARGIN + width_of(&label, LETTERS) + 20;
        let room = WIDTH - MARGIN - left;
        key(sheet, (left, y), room, [&low, &high], shade)
    }

    /// The colour of a value.
    pub(crate) fn paint(&self, value: f64) -> RGBColor {
        let [dark, bright] = self.ends.unwrap_or([0.0, 1.0]);
        let span = bright - dark;
        shade(if span == 0.0 {
            1.0
        } else {
            (value - dark) / span
        })
    }
}
