//! A line chart: several named series over one axis, each with a band of deviation if it has one.

use plotters::prelude::*;

use crate::axis::Ticked;
use crate::canvas::{
    At, Drawn, FAINT, GRID, INK, SMALL, Sheet, TEXT, TITLE, colour, draw, failed, font, line, write,
};
use crate::text::{fit, fit_all, width_of};
use crate::{Axis, Picture, PictureError};

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stroke {
    /// A line.
    #[default]
    Solid,
    /// A line in dashes.
    Dashed,
    /// A dot at each point.
    Dots,
}

/// Points with a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// The points, x and y. Where one has no place (NaN, infinite, 0 on a logarithmic axis) the line is broken.
    pub points: Vec<[f64; 2]>,
    /// How far the band about the line reaches up and down, one number per point.
    pub deviation: Option<Vec<f64>>,
    /// How it is drawn.
    pub stroke: Stroke,
}

impl Series {
    /// A line through points.
    #[must_use]
    pub fn new(name: &str, points: Vec<[f64; 2]>) -> Self {
        Self {
            name: name.into(),
            points,
            ..Self::default()
        }
    }
}

/// A line chart.
///
/// ```
/// use ran_picture::{Axis, Chart, Scale, Series};
///
/// let loss = Series::new("training", (1..50).map(f64::from).map(|x| [x, 1.0 / x]).collect());
/// let chart = Chart {
///     title: "The loss falls".into(),
///     x: Axis::new("epoch"),
///     y: Axis { scale: Scale::Log, ..Axis::new("loss") },
///     series: vec![loss],
///     ..Chart::default()
/// };
/// let picture = chart.draw()?;
/// assert!(picture.svg().starts_with("<svg"));
/// assert_eq!(&picture.png()?[1..4], b"PNG");
/// # Ok::<(), ran_picture::PictureError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The axis to the right.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// The series; the first has the first colour and lies lowest.
    pub series: Vec<Series>,
    /// Places on the x axis that are marked by an upright line, with what is said of them.
    pub marks: Vec<(f64, String)>,
}

const WIDTH: i32 = 1800;
/// The height of the axes, and that where several charts share a picture.
const BODY: i32 = 900;
const SHARED_BODY: i32 = 620;
const MARGIN: i32 = 40;
const LEGEND_ROW: i32 = 44;
/// The length of a series' sample in the legend.
const SAMPLE: i32 = 60;

/// Draws charts below one another.
///
/// # Errors
///
/// When there are none, or one of them cannot be drawn ([`Chart::draw`]).
pub fn charts(charts: &[Chart]) -> Result<Picture, PictureError> {
    if charts.is_empty() {
        return Err(PictureError::empty("charts", "there are no charts"));
    }
    let body = if charts.len() > 1 { SHARED_BODY } else { BODY };
    let panels = charts.iter().map(Panel::of);
    let panels: Vec<Panel<'_>> = panels.collect::<Result<_, _>>()?;
    let height: i32 = panels.iter().map(|panel| panel.head + body).sum();
    draw((WIDTH, height), |sheet| {
        let mut rest = sheet.clone();
        for panel in &panels {
            let (head, below) = rest.split_vertically(panel.head);
            let (axes, below) = below.split_vertically(body);
            panel.draw(&head, &axes)?;
            rest = below;
        }
        Ok(())
    })
}

impl Chart {
    /// Draws it.
    ///
    /// # Errors
    ///
    /// When no point has a place, or a deviation has another number of entries than its series has points.
    pub fn draw(&self) -> Result<Picture, PictureError> {
        charts(std::slice::from_ref(self))
    }

    fn body(&self, sheet: &Sheet<'_>, [left, right]: [f64; 2], [low, high]: [f64; 2]) -> Drawn {
        let (x_ticks, y_ticks) = (
            self.x.ticks([left, right], 10),
            self.y.ticks([low, high], 7),
        );
        let (x_names, y_names) = (self.x.names(&x_ticks), self.y.names(&y_ticks));
        let widest = y_names.iter().map(|name| width_of(name, SMALL)).max();
        let name = |ticks: &[f64], names: &[String], place: f64| {
            let at = ticks.iter().position(|&tick| tick == place);
            at.map_or_else(String::new, |at| names[at].clone())
        };
        let (x, y) = (x_ticks.clone(), y_ticks.clone());
        let mut chart = ChartBuilder::on(sheet)
            .margin_left(MARGIN)
            .margin_right(MARGIN + 20)
            .margin_bottom(20)
            .x_label_area_size(96)
            .y_label_area_size(widest.unwrap_or(0) + 80)
            .build_cartesian_2d(Ticked(left..right, x_ticks), Ticked(low..high, y_ticks))
            .map_err(failed)?;
        chart
            .configure_mesh()
            .bold_line_style(GRID.stroke_width(2))
            .light_line_style(TRANSPARENT)
            .axis_style(FAINT.stroke_width(2))
            .label_style(font(SMALL).color(&INK))
            .axis_desc_style(font(TEXT).color(&INK))
            .x_desc(fit(&self.x.label, TEXT, WIDTH - 400))
            .y_desc(fit(&self.y.label, TEXT, SHARED_BODY - 120))
            .x_label_formatter(&|&place| name(&x, &x_names, place))
            .y_label_formatter(&|&place| name(&y, &y_names, place))
            .draw()
            .map_err(failed)?;
        let inside = |place: &Place| (left..=right).contains(&place.x);
        let clamp = |place: Place| Place {
            low: place.low.clamp(low, high),
            y: place.y.clamp(low, high),
            high: place.high.clamp(low, high),
            ..place
        };
        for (index, series) in self.series.iter().enumerate() {
            let places: Vec<Place> = self.places(series).filter(inside).map(clamp).collect();
            let colour = colour(index);
            for run in places.chunk_by(|one, next| one.index + 1 == next.index) {
                if series.deviation.is_some() {
                    let above = run.iter().map(|place| (place.x, place.high));
                    let below = run.iter().rev().map(|place| (place.x, place.low));
                    let band: Vec<_> = above.chain(below).collect();
                    let band = Polygon::new(band, colour.mix(0.2).filled());
                    chart.draw_series([band]).map_err(failed)?;
                }
                let points = run.iter().map(|place| (place.x, place.y));
                let stroke = colour.stroke_width(4);
                match series.stroke {
                    // A lone point would be no line at all.
                    _ if run.len() == 1 => dots(&mut chart, points, colour)?,
                    Stroke::Dots => dots(&mut chart, points, colour)?,
                    Stroke::Solid => {
                        chart
                            .draw_series(LineSeries::new(points, stroke))
                            .map_err(failed)?;
                    }
                    Stroke::Dashed => {
                        chart
                            .draw_series(DashedLineSeries::new(points, 16, 10, stroke))
                            .map_err(failed)?;
                    }
                }
            }
        }
        let area = chart.plotting_area();
        for (index, (x, text)) in self.marks.iter().enumerate() {
            let Some(x) = self.x.place(*x).filter(|x| (left..=right).contains(x)) else {
                continue;
            };
            let (x, top) = area.map_coordinate(&(x, high));
            let (_, bottom) = area.map_coordinate(&(left, low));
            let base = sheet.get_base_pixel();
            let (x, top, bottom) = (x - base.0, top - base.1, bottom - base.1);
            // Neighbours would write over one another: only the first of the marks is sure to have room.
            if index == 0 {
                let side = if x > WIDTH / 2 { At::Right } else { At::Left };
                let text = &fit(text, SMALL, WIDTH / 2 - 100);
                write(
                    sheet,
                    text,
                    (if x > WIDTH / 2 { x - 8 } else { x + 8 }, top - 20),
                    side,
                    SMALL,
                    FAINT,
                )?;
            }
            line(sheet, vec![(x, top), (x, bottom)], FAINT, 2)?;
        }
        Ok(())
    }

    /// The points that have a place on both axes.
    fn places<'a>(&'a self, series: &'a Series) -> impl Iterator<Item = Place> + 'a {
        let points = series.points.iter().enumerate();
        points.filter_map(|(index, &[x, y])| {
            let (x, y_place) = (self.x.place(x)?, self.y.place(y)?);
            let deviation = series
                .deviation
                .as_ref()
                .map_or(0.0, |all| all[index].abs());
            let high = self.y.place(y + deviation).unwrap_or(y_place);
            // A band that reaches below what a logarithmic axis has ends at its line.
            let low = self.y.place(y - deviation).unwrap_or(y_place);
            let y = y_place;
            Some(Place {
                index,
                x,
                low,
                y,
                high,
            })
        })
    }

    /// Where the legend's entries go, left to right and row by row; none for a single series without a name.
    fn legend(&self) -> Vec<Entry> {
        let (mut left, mut row) = (MARGIN, 0);
        let mut entries = Vec::new();
        let named = self.series.iter().enumerate();
        let named = named.filter(|(_, series)| !series.name.is_empty());
        let (places, names): (Vec<usize>, Vec<String>) = named
            .map(|(place, series)| (place, series.name.clone()))
            .unzip();
        let names = fit_all(&names, TEXT, WIDTH - 2 * MARGIN - SAMPLE - 60);
        for (series, name) in places.into_iter().zip(names) {
            let width = SAMPLE + 14 + width_of(&name, TEXT) + 40;
            if left + width > WIDTH - MARGIN && left > MARGIN {
                (left, row) = (MARGIN, row + 1);
            }
            entries.push(Entry {
                series,
                name,
                left,
                row,
            });
            left += width;
        }
        entries
    }
}

/// A chart with what was found out before it is drawn.
struct Panel<'a> {
    chart: &'a Chart,
    x: [f64; 2],
    y: [f64; 2],
    legend: Vec<Entry>,
    /// The height of what is above the axes.
    head: i32,
}

impl<'a> Panel<'a> {
    fn of(chart: &'a Chart) -> Result<Self, PictureError> {
        for series in &chart.series {
            let (points, deviations) =
                (series.points.len(), series.deviation.as_ref().map(Vec::len));
            if let Some(deviations) = deviations
                && deviations != points
            {
                let problem = format!(
                    "the series {:?} has {points} points and {deviations} deviations; as many are needed",
                    series.name
                );
                return Err(PictureError::shape(&chart.title, problem));
            }
        }
        let places = || chart.series.iter().flat_map(|series| chart.places(series));
        let x = chart.x.ends(places().map(|place| place.x), 0.0);
        let y = chart
            .y
            .ends(places().flat_map(|place| [place.low, place.high]), 0.05);
        let (Some(x), Some(y)) = (x, y) else {
            return Err(PictureError::empty(
                &chart.title,
                "no point has a place on its axes",
            ));
        };
        let legend = chart.legend();
        let rows = legend.last().map_or(0, |entry| entry.row + 1);
        let marks = if chart.marks.is_empty() {
            0
        } else {
            LEGEND_ROW
        };
        Ok(Self {
            chart,
            x,
            y,
            legend,
            head: 90 + rows * LEGEND_ROW + marks,
        })
    }

    fn draw(&self, head: &Sheet<'_>, axes: &Sheet<'_>) -> Drawn {
        let title = fit(&self.chart.title, TITLE, WIDTH - 2 * MARGIN);
        write(head, &title, (MARGIN, 50), At::Left, TITLE, INK)?;
        for entry in &self.legend {
            let y = 100 + entry.row * LEGEND_ROW;
            let stroke = self.chart.series[entry.series].stroke;
            sample(head, stroke, (entry.left, y), entry.series)?;
            let at = (entry.left + SAMPLE + 14, y);
            write(head, &entry.name, at, At::Left, TEXT, INK)?;
        }
        self.chart.body(axes, self.x, self.y)
    }
}

struct Place {
    index: usize,
    x: f64,
    low: f64,
    y: f64,
    high: f64,
}

struct Entry {
    series: usize,
    name: String,
    left: i32,
    row: i32,
}

fn dots<'a, Coordinates>(
    chart: &mut ChartContext<'a, SVGBackend<'_>, Coordinates>,
    points: impl Iterator<Item = (f64, f64)>,
    colour: RGBColor,
) -> Drawn
where
    Coordinates: CoordTranslate<From = (f64, f64)>,
{
    let dots = points.map(|point| Circle::new(point, 6, colour.filled()));
    chart.draw_series(dots).map_err(failed)?;
    Ok(())
}

/// How a series looks, for the legend.
fn sample(sheet: &Sheet<'_>, stroke: Stroke, (left, y): (i32, i32), series: usize) -> Drawn {
    let colour = colour(series);
    match stroke {
        Stroke::Solid => line(sheet, vec![(left, y), (left + SAMPLE, y)], colour, 6),
        Stroke::Dashed => [0, 22, 44].into_iter().try_for_each(|at| {
            let from = left + at;
            line(sheet, vec![(from, y), (from + 16, y)], colour, 6)
        }),
        Stroke::Dots => {
            let dot = Circle::new((left + SAMPLE / 2, y), 8, colour.filled());
            sheet.draw(&dot).map_err(failed)
        }
    }
}
