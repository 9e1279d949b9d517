//! What every picture shares: a sheet to draw on, its fonts and its colours.
//!
//! plotters counts in whole pixels, so that everything is drawn at twice its size and shown at half of it: lines are
//! smooth. All lengths here and in the pictures are in these half pixels.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::FontTransform;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::text::clean;
use crate::{Picture, PictureError};

/// The paper, which is drawn: a picture is read on a light page as on a dark one.
pub(crate) const PAPER: RGBColor = RGBColor(255, 255, 255);
/// Text and axes.
pub(crate) const INK: RGBColor = RGBColor(26, 26, 26);
/// What is said beside.
pub(crate) const FAINT: RGBColor = RGBColor(110, 110, 110);
/// Lines of a grid.
pub(crate) const GRID: RGBColor = RGBColor(225, 225, 225);
/// What is not there.
pub(crate) const VOID: RGBColor = RGBColor(243, 243, 243);

/// Colours that differ for colour-blind readers too (Okabe and Ito 2008; without the yellow, which paper swallows).
pub(crate) const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(26, 26, 26),
];

pub(crate) const TITLE: i32 = 40;
pub(crate) const TEXT: i32 = 30;
pub(crate) const SMALL: i32 = 26;
/// Of pictures as wide as a column of a paper.
pub(crate) const LETTERS: i32 = 28;

pub(crate) type Sheet<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Drawn = Result<(), PictureError>;

/// The colour of the `index`-th series; the seven repeat.
pub(crate) fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

/// Draws on a sheet of a size.
pub(crate) fn draw(
    (width, height): (i32, i32),
    paint: impl FnOnce(&Sheet<'_>) -> Drawn,
) -> Result<Picture, PictureError> {
    let mut svg = String::new();
    let size = (width as u32, height as u32);
    {
        let sheet = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        sheet.fill(&PAPER).map_err(failed)?;
        paint(&sheet)?;
        sheet.present().map_err(failed)?;
    }
    let doubled = format!("width=\"{width}\" height=\"{height}\" viewBox");
    let shown = format!("width=\"{}\" height=\"{}\" viewBox", width / 2, height / 2);
    Ok(Picture::new(svg.replacen(&doubled, &shown, 1)))
}

pub(crate) fn failed(error: impl std::fmt::Display) -> PictureError {
    PictureError::Drawing(error.to_string())
}

/// Where a text stands about its point.
#[derive(Clone, Copy)]
pub(crate) enum At {
    /// It begins there.
    Left,
    /// It ends there.
    Right,
    /// Its middle is there.
    Centre,
    /// It begins there and runs upwards.
    Up,
}

/// Writes a text, half-way up at its point.
pub(crate) fn write(
    sheet: &Sheet<'_>,
    text: &str,
    point: (i32, i32),
    at: At,
    size: i32,
    colour: RGBColor,
) -> Drawn {
    let side = match at {
        At::Left | At::Up => HPos::Left,
        At::Right => HPos::Right,
        At::Centre => HPos::Center,
    };
    let font = font(size);
    let font = match at {
        At::Up => font.transform(FontTransform::Rotate270),
        _ => font,
    };
    let style = TextStyle::from(font).color(&colour);
    let style = style.pos(Pos::new(side, VPos::Center));
    let text = Text::new(clean(text), point, style);
    sheet.draw(&text).map_err(failed)
}

pub(crate) fn font(size: i32) -> FontDesc<'static> {
    ("sans-serif", size).into_font()
}

pub(crate) fn fill(
    sheet: &Sheet<'_>,
    [left, top, right, bottom]: [i32; 4],
    colour: RGBColor,
) -> Drawn {
    let area = Rectangle::new([(left, top), (right, bottom)], colour.filled());
    sheet.draw(&area).map_err(failed)
}

pub(crate) fn frame(
    sheet: &Sheet<'_>,
    [left, top, right, bottom]: [i32; 4],
    colour: RGBColor,
) -> Drawn {
    let points = vec![
        (left, top),
        (right, top),
        (right, bottom),
        (left, bottom),
        (left, top),
    ];
    line(sheet, points, colour, 2)
}

pub(crate) fn line(
    sheet: &Sheet<'_>,
    points: Vec<(i32, i32)>,
    colour: RGBColor,
    width: u32,
) -> Drawn {
    let path = PathElement::new(points, colour.stroke_width(width));
    sheet.draw(&path).map_err(failed)
}

/// The colour between `from` and `to`, at a part of the way.
pub(crate) fn between(from: RGBColor, to: RGBColor, part: f64) -> RGBColor {
    let part = part.clamp(0.0, 1.0);
    let mix = |from: u8, to: u8| {
        let mixed = f64::from(from) + (f64::from(to) - f64::from(from)) * part;
        mixed.round() as u8
    };
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_of_colours_does_not_end() {
        assert_eq!(colour(7), colour(0));
        assert_eq!(between(PAPER, INK, 0.0), PAPER);
        assert_eq!(between(PAPER, INK, 2.0), INK);
    }
}
