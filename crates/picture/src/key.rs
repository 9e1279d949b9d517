//! The key of a colour scale: what its lightest and its darkest mean.

use plotters::style::RGBColor;

use crate::canvas::{At, Drawn, FAINT, GRID, SMALL, Sheet, fill, frame, write};
use crate::text::width_of;

/// Cells that the scale is drawn as.
const CELLS: i32 = 20;
const GAP: i32 = 12;

/// Draws a colour scale between the numbers at its ends, at most `width` wide in all; `shade` is the colour at a part of
/// the way from the first to the last.
pub(crate) fn key(
    sheet: &Sheet<'_>,
    (left, y): (i32, i32),
    width: i32,
    [low, high]: [&str; 2],
    shade: impl Fn(f64) -> RGBColor,
) -> Drawn {
    write(sheet, low, (left, y), At::Left, SMALL, FAINT)?;
    let from = left + width_of(low, SMALL) + GAP;
    let length = (left + width - width_of(high, SMALL) - GAP - from).clamp(CELLS, 12 * CELLS);
    let at = |cell: i32| from + cell * length / CELLS;
    for cell in 0..CELLS {
        let part = f64::from(cell) / f64::from(CELLS - 1);
        fill(sheet, [at(cell), y - 12, at(cell + 1), y + 12], shade(part))?;
    }
    frame(sheet, [from, y - 12, from + length, y + 12], GRID)?;
    write(
        sheet,
        high,
        (from + length + GAP, y),
        At::Left,
        SMALL,
        FAINT,
    )
}
