//! A confusion matrix: how often each class was taken for each other.

use ndarray::ArrayView2;
use plotters::style::RGBColor;

use crate::canvas::{
    At, FAINT, GRID, INK, PAPER, SMALL, TEXT, TITLE, between, draw, fill, frame, line, write,
};
use crate::key::key;
use crate::text::{fit, fit_all, percent, width_of};
use crate::{Picture, PictureError};

const DEEP: RGBColor = RGBColor(8, 69, 128);
const MARGIN: i32 = 40;
/// The width of the longest name.
const NAME: i32 = 320;
/// A longer title is cut, unless the matrix is wider.
const LONGEST_TITLE: i32 = 1720;
/// A picture of more classes could not be read.
const MOST_CLASSES: usize = 200;

/// Draws a confusion matrix: a row per true class, a column per predicted class, the count in each cell, and as the
/// cell's colour the share of its row.
///
/// # Shapes
///
/// - labels: `classes` names, in the order of the rows
/// - counts: `[classes, classes]`, true class by predicted class
/// - unanswered: how many predictions are of no class, since they are no numbers; they count as wrong
///
/// # Errors
///
/// When the shapes differ, or there are no classes, or more than 200.
///
/// ```
/// use ndarray::array;
///
/// let labels = ["cat", "dog"].map(String::from);
/// let picture = ran_picture::confusion("Pets", &labels, array![[9, 1], [2, 8]].view(), 0)?;
/// assert!(picture.svg().contains(">\n9\n</text>"));
/// # Ok::<(), ran_picture::PictureError>(())
/// ```
pub fn confusion(
    title: &str,
    labels: &[String],
    counts: ArrayView2<'_, usize>,
    unanswered: usize,
) -> Result<Picture, PictureError> {
    let classes = labels.len();
    if counts.dim() != (classes, classes) {
        let problem = format!(
            "{classes} labels need counts of shape [{classes}, {classes}], got {:?}",
            counts.shape()
        );
        return Err(PictureError::shape(title, problem));
    }
    if classes == 0 {
        return Err(PictureError::empty(title, "there are no classes"));
    }
    if classes > MOST_CLASSES {
        let problem =
            format!("{classes} classes are more than the {MOST_CLASSES} that it can have");
        return Err(PictureError::shape(title, problem));
    }
    let names = fit_all(labels, TEXT, NAME);
    let widest = names
        .iter()
        .map(|name| width_of(name, TEXT))
        .max()
        .unwrap_or(0);
    let digits = counts
        .iter()
        .map(|count| width_of(&count.to_string(), SMALL))
        .max();
    let cell = (digits.unwrap_or(0) + 20)
        .clamp(56, 140)
        .max(if classes < 6 { 90 } else { 56 });
    // Names stand upright over their column where they would touch one another.
    let upright = widest + 16 > cell;
    let head = 150 + if upright { widest + 20 } else { 50 };
    let (left, side) = (MARGIN + 50 + widest + 20, cell * classes as i32);
    let right: usize = counts.diag().sum();
    let all = counts.sum() + unanswered;
    let mut caption = format!(
        "{right} of {all} right ({}), {} wrong",
        percent(right, all),
        all - right
    );
    if unanswered > 0 {
        caption += &format!(", {unanswered} of them no number and not shown");
    }
    let title = &fit(title, TITLE, LONGEST_TITLE.max(left + side));
    let needed = [width_of(title, TITLE), width_of(&caption, TEXT)].map(|width| width + 2 * MARGIN);
    let width = (left + side + MARGIN + 30)
        .max(needed[0])
        .max(needed[1])
        .max(MARGIN + 1_000);
    let height = head + side + 140;
    draw((width, height), |sheet| {
        write(sheet, title, (MARGIN, 50), At::Left, TITLE, INK)?;
        write(sheet, &caption, (MARGIN, 100), At::Left, TEXT, INK)?;
        let middle = left + side / 2;
        let [across, down] = ["predicted class", "true class"];
        write(sheet, across, (middle, 146), At::Centre, TEXT, FAINT)?;
        let from = (head + side / 2 + width_of(down, TEXT) / 2).max(head + 10);
        write(sheet, down, (MARGIN + 14, from), At::Up, TEXT, FAINT)?;
        for (index, name) in names.iter().enumerate() {
            let centre = index as i32 * cell + cell / 2;
            write(
                sheet,
                name,
                (left - 16, head + centre),
                At::Right,
                TEXT,
                INK,
            )?;
            let (at, point) = if upright {
                (At::Up, (left + centre, head - 16))
            } else {
                (At::Centre, (left + centre, head - 24))
            };
            write(sheet, name, point, at, TEXT, INK)?;
        }
        for ((row, column), &count) in counts.indexed_iter() {
            let share = count as f64 / counts.row(row).sum().max(1) as f64;
            let (x, y) = (left + column as i32 * cell, head + row as i32 * cell);
            fill(sheet, [x, y, x + cell, y + cell], shade(share))?;
            let ink = match (count, share > 0.45) {
                (0, _) => RGBColor(140, 140, 140),
                (_, true) => PAPER,
                (_, false) => INK,
            };
            let centre = (x + cell / 2, y + cell / 2);
            write(sheet, &count.to_string(), centre, At::Centre, SMALL, ink)?;
        }
        for index in 1..classes as i32 {
            let at = index * cell;
            line(
                sheet,
                vec![(left + at, head), (left + at, head + side)],
                GRID,
                2,
            )?;
            line(
                sheet,
                vec![(left, head + at), (left + side, head + at)],
                GRID,
                2,
            )?;
        }
        frame(sheet, [left, head, left + side, head + side], FAINT)?;
        let (text, y) = (
            "cell: count; colour: share of the true class",
            head + side + 80,
        );
        write(sheet, text, (MARGIN, y), At::Left, SMALL, FAINT)?;
        let place = (MARGIN + width_of(text, SMALL) + 30, y);
        key(sheet, place, 400, ["0 %", "100 %"], shade)
    })
}

fn shade(share: f64) -> RGBColor {
    // The root lets a few errors among many be seen.
    between(PAPER, DEEP, share.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn what_does_not_fit_is_refused_with_a_sentence() {
        let labels = ["a", "b"].map(String::from);
        let error = confusion("T", &labels, array![[1, 2, 3]].view(), 0)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("\"T\"") && error.contains("[2, 2]") && error.contains("[1, 3]"),
            "{error}"
        );
        let none = confusion("T", &[], Array2::zeros((0, 0)).view(), 0);
        assert!(matches!(none, Err(PictureError::Empty { .. })));
        let many = vec![String::new(); 201];
        let error = confusion("T", &many, Array2::zeros((201, 201)).view(), 0).unwrap_err();
        assert!(error.to_string().contains("201 classes"));
    }
}
