//! Named curves over what is drawn, and where their names go.

use crate::canvas::{At, Drawn, INK, LETTERS, PAPER, Sheet, fill, line, write};
use crate::text::width_of;

/// A named curve in one or more pieces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// What is written on it; nothing where it is empty.
    pub name: String,
    /// The pieces, each as the points it runs through.
    pub pieces: Vec<Vec<[f64; 2]>>,
}

/// Draws the curves, then writes on each what it is called, where there is most room.
pub(crate) fn draw_curves(
    sheet: &Sheet<'_>,
    curves: &[Curve],
    [(left, top), (right, bottom)]: [(i32, i32); 2],
    pixel: impl Fn([f64; 2]) -> Option<(i32, i32)>,
) -> Drawn {
    let curves = curves.iter().map(|curve| {
        let pieces = curve.pieces.iter().flat_map(|piece| {
            // A curve is broken where it leaves the axes.
            let pixels: Vec<Option<(i32, i32)>> = piece.iter().map(|&point| pixel(point)).collect();
            let runs = pixels
                .split(Option::is_none)
                .map(|run| run.iter().flatten().copied().collect());
            runs.filter(|run: &Vec<_>| run.len() > 1)
                .collect::<Vec<_>>()
        });
        (curve, pieces.collect::<Vec<Vec<(i32, i32)>>>())
    });
    let curves: Vec<_> = curves.collect();
    for (_, pieces) in &curves {
        for piece in pieces {
            line(sheet, piece.clone(), PAPER, 7)?;
            line(sheet, piece.clone(), INK, 3)?;
        }
    }
    let mut taken: Vec<(i32, i32)> = Vec::new();
    for (curve, pieces) in curves.iter().filter(|(curve, _)| !curve.name.is_empty()) {
        let half = width_of(&curve.name, LETTERS) / 2 + 6;
        let points = pieces.iter().flatten().copied().filter(|&(x, y)| {
            (left + half..=right - half).contains(&x) && (top + 20..=bottom - 20).contains(&y)
        });
        let others = curves
            .iter()
            .filter(|(other, _)| !std::ptr::eq(*other, *curve));
        let others: Vec<(i32, i32)> = others
            .flat_map(|(_, pieces)| pieces.iter().flatten().copied())
            .collect();
        // The least distance to a name, which must be far, to another curve and to the frame, which should be.
        let room = |&(x, y): &(i32, i32)| {
            let distance =
                |&(other_x, other_y): &(i32, i32)| (other_x - x).pow(2) + (other_y - y).pow(2);
            let named = taken.iter().map(distance).min().unwrap_or(i32::MAX);
            let near = others.iter().map(distance).min().unwrap_or(i32::MAX);
            let border = (x - left)
                .min(right - x)
                .min(y - top)
                .min(bottom - y)
                .pow(2);
            (named > (2 * half).pow(2), named.min(near).min(border))
        };
        if let Some((x, y)) = points.max_by_key(room) {
            fill(sheet, [x - half, y - 17, x + half, y + 17], PAPER)?;
            write(sheet, &curve.name, (x, y), At::Centre, LETTERS, INK)?;
            taken.push((x, y));
        }
    }
    Ok(())
}
