//! Marks over two axes, coloured by a third quantity, with curves over them: readable at the width of a paper's column.

use plotters::prelude::*;

use crate::axis::{Ticked, every};
use crate::canvas::{Drawn, FAINT, GRID, INK, LETTERS, Sheet, draw, failed, fill, font};
use crate::column::{ColourScale, HEADING, Head, MARGIN, WIDTH};
use crate::curve::{Curve, draw_curves};
use crate::text::{fit, width_of};
use crate::{Axis, Picture, PictureError};

/// What stands for one value of the coloured quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// A dot at a point.
    Dot {
        /// Where it is: x and y.
        at: [f64; 2],
        /// What its colour shows; a grey cross where there is none.
        value: Option<f64>,
    },
    /// A filled rectangle.
    Cell {
        /// From where to where on the x axis.
        x: [f64; 2],
        /// From where to where on the y axis.
        y: [f64; 2],
        /// What its colour shows.
        value: f64,
    },
}

/// Marks over two axes, coloured by a third quantity.
///
/// ```
/// use ran_picture::{Axis, ColourScale, Mark, Scatter};
///
/// let dot = |x, y, value| Mark::Dot { at: [x, y], value };
/// let scatter = Scatter {
///     title: "Accuracy".into(),
///     x: Axis::new("units"),
///     y: Axis::new("width of a unit"),
///     marks: vec![dot(10.0, 5.0, Some(0.9)), dot(20.0, 8.0, Some(0.95)), dot(30.0, 8.0, None)],
///     colour: ColourScale { label: "accuracy".into(), ..ColourScale::default() },
///     ..Scatter::default()
/// };
/// let picture = scatter.draw()?;
/// assert!(picture.svg().contains(">\nunits\n</text>"));
/// assert_eq!(&picture.pdf()?[..5], b"%PDF-");
/// # Ok::<(), ran_picture::PictureError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scatter {
    /// What it shows; the room is used otherwise where it is empty.
    pub title: String,
    /// The axis to the right.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// The marks; later ones lie higher. Those without a place on the axes are left out.
    pub marks: Vec<Mark>,
    /// What their colours mean.
    pub colour: ColourScale,
    /// Curves over the marks, in the axes' values.
    pub curves: Vec<Curve>,
}

/// The height of the axes.
const BODY: i32 = 740;
/// The width of the longest name of a tick upwards; further right there are names of all ticks to be set side by side.
const LONGEST_NAME: i32 = 230;

impl Scatter {
    /// Draws it.
    ///
    /// # Errors
    ///
    /// When no mark has a place on the axes.
    pub fn draw(&self) -> Result<Picture, PictureError> {
        let marks: Vec<Placed> = self
            .marks
            .iter()
            .filter_map(|mark| self.place(mark))
            .collect();
        let [Some(x), Some(y)] = [0, 1].map(|side| self.ends(side, &marks)) else {
            let problem = "no mark has a place on its axes";
            return Err(PictureError::empty(&self.title, problem));
        };
        let head = Head::of(
            &self.title,
            &self.colour,
            marks.iter().filter_map(|mark| mark.value),
        );
        draw((WIDTH, head.height() + BODY), |sheet| {
            let (top, axes) = sheet.split_vertically(head.height());
            head.draw(&top)?;
            self.body(&axes, (x, y), &marks, &head)
        })
    }

    fn body(
        &self,
        sheet: &Sheet<'_>,
        ([left, right], [low, high]): ([f64; 2], [f64; 2]),
        marks: &[Placed],
        head: &Head<'_>,
    ) -> Drawn {
        let (x_ticks, x_names) = self.ticks(0, [left, right]);
        let (y_ticks, y_names) = self.ticks(1, [low, high]);
        let widest = y_names.iter().map(|name| width_of(name, LETTERS)).max();
        let label_area = widest.unwrap_or(0) + 70;
        let every = every(&x_names, WIDTH - label_area - 3 * MARGIN);
        let called = |ticks: &[f64], names: &[String], every: usize, place: f64| {
            let at = ticks.iter().position(|&tick| tick == place);
            let at = at.filter(|at| at % every == 0);
            at.map_or_else(String::new, |at| names[at].clone())
        };
        let (x, y) = (x_ticks.clone(), y_ticks.clone());
        let mut chart = ChartBuilder::on(sheet)
            .margin_top(8)
            .margin_left(MARGIN)
            .margin_right(2 * MARGIN)
            .margin_bottom(MARGIN)
            .x_label_area_size(84)
            .y_label_area_size(label_area)
            .build_cartesian_2d(Ticked(left..right, x_ticks), Ticked(low..high, y_ticks))
            .map_err(failed)?;
        chart
            .configure_mesh()
            .bold_line_style(GRID.stroke_width(2))
            .light_line_style(TRANSPARENT)
            .axis_style(FAINT.stroke_width(2))
            .label_style(font(LETTERS).color(&INK))
            .axis_desc_style(font(HEADING).color(&INK))
            .x_desc(fit(&self.x.label, HEADING, WIDTH - label_area - 2 * MARGIN))
            .y_desc(fit(&self.y.label, HEADING, BODY - 160))
            .x_label_formatter(&|&place| called(&x, &x_names, every, place))
            .y_label_formatter(&|&place| called(&y, &y_names, 1, place))
            .draw()
            .map_err(failed)?;
        let area = chart.plotting_area();
        let base = sheet.get_base_pixel();
        let pixel = |x: f64, y: f64| {
            let (x, y) = area.map_coordinate(&(x, y));
            (x - base.0, y - base.1)
        };
        let radius = if marks.len() > 300 { 7 } else { 10 };
        for mark in marks {
            let [[x, end_x], [y, end_y]] = mark.sides;
            if mark.cell {
                let (x, end_x) = (x.clamp(left, right), end_x.clamp(left, right));
                let (y, end_y) = (y.clamp(low, high), end_y.clamp(low, high));
                let ((x, y), (end_x, end_y)) = (pixel(x, y), pixel(end_x, end_y));
                fill(
                    sheet,
                    [x, y, end_x, end_y],
                    mark.value.map_or(GRID, |value| head.paint(value)),
                )?;
            } else {
                let at = pixel(x.clamp(left, right), y.clamp(low, high));
                match mark.value {
                    Some(value) => {
                        let edge = Circle::new(at, radius, FAINT.filled());
                        sheet.draw(&edge).map_err(failed)?;
                        let dot = Circle::new(at, radius - 1, head.paint(value).filled());
                        sheet.draw(&dot).map_err(failed)?;
                    }
                    None => {
                        let cross = Cross::new(at, radius - 2, FAINT.stroke_width(2));
                        sheet.draw(&cross).map_err(failed)?;
                    }
                }
            }
        }
        let frame = [pixel(left, high), pixel(right, low)];
        draw_curves(sheet, &self.curves, frame, |[x, y]| {
            let (x, y) = (self.x.place(x)?, self.y.place(y)?);
            let inside = (left..=right).contains(&x) && (low..=high).contains(&y);
            inside.then(|| pixel(x, y))
        })
    }

    /// Where a mark is, in places on the axes; none where it has no place.
    fn place(&self, mark: &Mark) -> Option<Placed> {
        let (x, y, value, cell) = match *mark {
            Mark::Dot { at: [x, y], value } => ([x, x], [y, y], value, false),
            Mark::Cell { x, y, value } => (x, y, Some(value), true),
        };
        let on = |axis: &Axis, [from, to]: [f64; 2]| Some([axis.place(from)?, axis.place(to)?]);
        let sides = [on(&self.x, x)?, on(&self.y, y)?];
        let value = value.filter(|value| value.is_finite());
        Some(Placed { sides, value, cell })
    }

    /// The ends of the x or y axis, in places.
    fn ends(&self, side: usize, marks: &[Placed]) -> Option<[f64; 2]> {
        let axis = [&self.x, &self.y][side];
        // Cells have edges of their own; half a dot would be cut.
        let margin = if marks.iter().all(|mark| mark.cell) {
            0.0
        } else {
            0.03
        };
        axis.ends(marks.iter().flat_map(|mark| mark.sides[side]), margin)
    }

    /// The ticks of the x or y axis and what they are called.
    fn ticks(&self, side: usize, ends: [f64; 2]) -> (Vec<f64>, Vec<String>) {
        let axis = [&self.x, &self.y][side];
        let ticks = axis.ticks(ends, 6);
        let width = if side == 0 {
            (WIDTH - 200) / ticks.len().max(1) as i32 - 14
        } else {
            LONGEST_NAME
        };
        let names = axis.fitted(&ticks, LETTERS, width.min(LONGEST_NAME));
        (ticks, names)
    }
}

/// A mark in places on the axes: x and y, each from where to where.
struct Placed {
    sides: [[f64; 2]; 2],
    value: Option<f64>,
    cell: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dots(values: &[Option<f64>]) -> Vec<Mark> {
        let at = |at: usize| [at as f64 + 1.0, at as f64 + 2.0];
        let dot = |(index, &value)| Mark::Dot {
            at: at(index),
            value,
        };
        values.iter().enumerate().map(dot).collect()
    }

    #[test]
    fn the_lowest_value_is_dark_and_the_highest_bright() {
        let marks = dots(&[Some(0.25), Some(1.0), None]);
        let scatter = Scatter {
            marks,
            ..Scatter::default()
        };
        let svg = scatter.draw().unwrap().svg().to_owned();
        assert!(svg.contains("#440154") && svg.contains("#BDDF26"));
        let key = [">\n0.25\n</text>", ">\n1\n</text>"];
        assert!(key.iter().all(|number| svg.contains(number)));
    }

    #[test]
    fn the_ends_of_the_scale_may_be_turned_round() {
        let circles = |ends| {
            let colour = ColourScale {
                ends: Some(ends),
                ..ColourScale::default()
            };
            let scatter = Scatter {
                marks: dots(&[Some(0.0)]),
                colour,
                ..Scatter::default()
            };
            let svg = scatter.draw().unwrap().svg().to_owned();
            let circle = svg.lines().rfind(|line| line.contains("<circle"));
            circle.unwrap().to_owned()
        };
        assert!(circles([0.0, 1.0]).contains("#440154"));
        assert!(circles([1.0, 0.0]).contains("#BDDF26"));
    }

    #[test]
    fn nothing_to_place_is_refused_with_a_sentence() {
        let lost = vec![Mark::Dot {
            at: [f64::NAN, 1.0],
            value: Some(1.0),
        }];
        let scatter = Scatter {
            title: "T".into(),
            marks: lost,
            ..Scatter::default()
        };
        let error = scatter.draw().unwrap_err().to_string();
        assert!(
            error.contains("\"T\"") && error.contains("no mark"),
            "{error}"
        );
    }

    #[test]
    fn names_of_curves_do_not_overlap() {
        let curve = |at: f64| Curve {
            name: format!("{at}00k"),
            pieces: vec![(0..50).map(|x| [f64::from(x) / 10.0, at]).collect()],
        };
        let corners = [[0.0, 0.0], [5.0, 9.0]].map(|at| Mark::Dot {
            at,
            value: Some(1.0),
        });
        let scatter = Scatter {
            marks: corners.to_vec(),
            curves: vec![curve(3.0), curve(3.3), curve(6.0)],
            ..Scatter::default()
        };
        let svg = scatter.draw().unwrap().svg().to_owned();
        let lines: Vec<&str> = svg.lines().collect();
        let number = |line: &str, name: &str| -> i32 {
            let (_, rest) = line.split_once(&format!(" {name}=\"")).unwrap();
            rest.split('"').next().unwrap().parse().unwrap()
        };
        let place = |name: &str| {
            let at = lines.iter().position(|line| *line == name).expect(name);
            [number(lines[at - 1], "x"), number(lines[at - 1], "y")]
        };
        let places = ["300k", "3.300k", "600k"].map(place);
        for (index, [x, y]) in places.iter().enumerate() {
            for [other_x, other_y] in &places[..index] {
                let apart = (x - other_x).abs() > 80 || (y - other_y).abs() > 34;
                assert!(apart, "{places:?}");
            }
        }
    }

    #[test]
    fn text_is_at_least_eight_points_high_at_twelve_centimetres() {
        let scatter = Scatter {
            marks: dots(&[Some(0.5), Some(0.7)]),
            ..Scatter::default()
        };
        let svg = scatter.draw().unwrap().svg().to_owned();
        let sizes = svg.split("font-size=\"").skip(1);
        let sizes = sizes.map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap());
        // A point is 2.54 cm / 72.
        let points = sizes.map(|size| size * 12.0 / 2.54 * 72.0 / f64::from(WIDTH));
        let least = points.fold(f64::INFINITY, f64::min);
        assert!(least >= 8.0 && least.is_finite(), "{least}");
    }
}
