//! Parallel coordinates: an axis for each of several quantities, and a line for each thing that has them.

use plotters::prelude::*;

use crate::axis::every;
use crate::canvas::{
    At, Drawn, FAINT, INK, LETTERS, PAPER, Sheet, draw, failed, fill, line, write,
};
use crate::column::{ColourScale, Head, MARGIN, WIDTH};
use crate::text::{fit_all, width_of};
use crate::{Axis, Picture, PictureError};

/// Parallel coordinates (Inselberg 1985). The axes lie below one another, so that their names can be read.
///
/// ```
/// use ran_picture::{Axis, Parallel, ParallelLine};
///
/// let line = |leak, units, value| ParallelLine { at: vec![Some(leak), units], value };
/// let picture = Parallel {
///     title: "A search".into(),
///     axes: vec![Axis::new("leak"), Axis::new("units")],
///     lines: vec![line(0.1, Some(20.0), 0.9), line(0.5, None, 0.8), line(0.7, Some(10.0), 0.7)],
///     ..Parallel::default()
/// }
/// .draw()?;
/// assert!(picture.svg().contains(">\nleak\n</text>"));
/// # Ok::<(), ran_picture::PictureError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parallel {
    /// What it shows; the room is used otherwise where it is empty.
    pub title: String,
    /// The axes, from above.
    pub axes: Vec<Axis>,
    /// The lines; later ones lie higher.
    pub lines: Vec<ParallelLine>,
    /// What their colours mean.
    pub colour: ColourScale,
}

/// A line from axis to axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParallelLine {
    /// Where it meets each axis; it is broken where it has no place on one.
    pub at: Vec<Option<f64>>,
    /// What its colour shows.
    pub value: f64,
}

/// The distance of axes.
const ROW: i32 = 104;
/// The width of the longest name of an axis.
const LONGEST_NAME: i32 = 270;
/// The room of all lines together beyond which they let others be seen through them.
const OPAQUE: f64 = 40.0;

impl Parallel {
    /// Draws it.
    ///
    /// # Errors
    ///
    /// When a line has another number of places than there are axes, or no line has a place on any.
    pub fn draw(&self) -> Result<Picture, PictureError> {
        let axes = self.axes.len();
        if let Some(odd) = self.lines.iter().find(|line| line.at.len() != axes) {
            let problem = format!("{axes} axes and a line with {} places", odd.at.len());
            return Err(PictureError::shape(&self.title, problem));
        }
        let ends: Vec<Option<[f64; 2]>> = (0..axes).map(|axis| self.ends(axis)).collect();
        if ends.iter().all(Option::is_none) {
            let problem = "no line has a place on its axes";
            return Err(PictureError::empty(&self.title, problem));
        }
        let values = self.lines.iter().map(|line| line.value);
        let head = Head::of(
            &self.title,
            &self.colour,
            values.filter(|value| value.is_finite()),
        );
        draw((WIDTH, head.height() + ROW * axes as i32), |sheet| {
            let (top, body) = sheet.split_vertically(head.height());
            head.draw(&top)?;
            self.body(&body, &ends, &head)
        })
    }

    fn ends(&self, axis: usize) -> Option<[f64; 2]> {
        let places = self.lines.iter().filter_map(|line| line.at[axis]);
        let axis = &self.axes[axis];
        axis.ends(places.filter_map(|value| axis.place(value)), 0.0)
    }

    fn body(&self, sheet: &Sheet<'_>, ends: &[Option<[f64; 2]>], head: &Head<'_>) -> Drawn {
        let labels: Vec<String> = self.axes.iter().map(|axis| axis.label.clone()).collect();
        let labels = fit_all(&labels, LETTERS, LONGEST_NAME);
        let widest = labels.iter().map(|label| width_of(label, LETTERS)).max();
        let (left, right) = (MARGIN + widest.unwrap_or(0) + 50, WIDTH - 2 * MARGIN - 20);
        let height = |axis: usize| 30 + axis as i32 * ROW;
        let across = |[low, high]: [f64; 2], place: f64| {
            let part = ((place - low) / (high - low)).clamp(0.0, 1.0);
            left + (part * f64::from(right - left)).round() as i32
        };
        let opacity = (OPAQUE / self.lines.len() as f64).clamp(0.25, 0.9);
        for one in &self.lines {
            let colour = head.paint(one.value).mix(opacity);
            let points = one.at.iter().enumerate().map(|(axis, &value)| {
                let place = self.axes[axis].place(value?)?;
                Some((across(ends[axis]?, place), height(axis)))
            });
            let points: Vec<Option<(i32, i32)>> = points.collect();
            for run in points.split(Option::is_none) {
                let run: Vec<(i32, i32)> = run.iter().flatten().copied().collect();
                match run[..] {
                    [] => {}
                    // A lone point would be no line at all.
                    [point] => sheet
                        .draw(&Circle::new(point, 5, colour.filled()))
                        .map_err(failed)?,
                    _ => sheet
                        .draw(&PathElement::new(run, colour.stroke_width(3)))
                        .map_err(failed)?,
                }
            }
        }
        for (index, (axis, label)) in self.axes.iter().zip(&labels).enumerate() {
            let y = height(index);
            line(sheet, vec![(left, y), (right, y)], INK, 3)?;
            write(sheet, label, (MARGIN, y), At::Left, LETTERS, INK)?;
            let Some(ends) = ends[index] else { continue };
            let ticks = axis.ticks(ends, 5);
            let room = (right - left) / ticks.len().max(1) as i32;
            let names = axis.fitted(&ticks, LETTERS, room - 14);
            let every = every(&names, right - left);
            for (at, (tick, name)) in ticks.iter().zip(&names).enumerate() {
                let x = across(ends, *tick);
                line(sheet, vec![(x, y - 8), (x, y + 8)], INK, 3)?;
                if at % every != 0 {
                    continue;
                }
                // Lines pass behind names.
                let half = width_of(name, LETTERS) / 2;
                let middle = x.clamp(
                    left.min(left - 40 + half),
                    (WIDTH - MARGIN - half).max(left),
                );
                fill(sheet, [middle - half, y + 14, middle + half, y + 46], PAPER)?;
                write(sheet, name, (middle, y + 30), At::Centre, LETTERS, FAINT)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: [Option<f64>; 3]) -> ParallelLine {
        let at = at.to_vec();
        ParallelLine { at, value: 0.5 }
    }

    #[test]
    fn a_line_is_broken_where_it_lacks_a_place() {
        let picture = |middle| {
            let lines = vec![line([Some(0.0), middle, Some(1.0)]), line([Some(1.0); 3])];
            let axes = ["a", "b", "c"].map(Axis::new).to_vec();
            let parallel = Parallel {
                axes,
                lines,
                ..Parallel::default()
            };
            parallel.draw().unwrap().svg().to_owned()
        };
        let count = |svg: &str, what: &str| svg.matches(what).count();
        let (whole, broken) = (picture(Some(0.5)), picture(None));
        assert_eq!(count(&whole, "<circle"), 0);
        // Two ends of a line that has nothing between them.
        assert_eq!(count(&broken, "<circle"), 2);
        assert!(count(&broken, "<polyline") < count(&whole, "<polyline"));
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_with_a_sentence() {
        let axes = vec![Axis::new("a"), Axis::new("b")];
        let odd = Parallel {
            axes: axes.clone(),
            lines: vec![line([Some(1.0); 3])],
            ..Parallel::default()
        };
        let error = odd.draw().unwrap_err().to_string();
        assert!(error.contains("2 axes and a line with 3 places"), "{error}");
        let lost = ParallelLine {
            at: vec![None, Some(f64::NAN)],
            value: 1.0,
        };
        let nothing = Parallel {
            axes,
            lines: vec![lost],
            ..Parallel::default()
        };
        let error = nothing.draw().unwrap_err().to_string();
        assert!(error.contains("no line has a place"), "{error}");
    }
}
