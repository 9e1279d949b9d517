//! How often each of several labels was found, missed, or seen where it was not.

use crate::canvas::{At, FAINT, GRID, INK, SMALL, TEXT, TITLE, colour, draw, fill, line, write};
use crate::text::{fit, fit_all, percent, width_of};
use crate::{Picture, PictureError};

/// How often a label was predicted and how often it was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelCount {
    /// It was due and predicted.
    pub found: usize,
    /// It was due and not predicted.
    pub missed: usize,
    /// It was predicted and not due.
    pub wrong: usize,
    /// It was neither.
    pub absent: usize,
}

const MARGIN: i32 = 40;
const HEAD: i32 = 200;
const ROW: i32 = 46;
/// The longest bar.
const BAR: i32 = 800;
/// A column of numbers.
const COLUMN: i32 = 130;
/// A count that is not 0 is seen, however small it is beside the others.
const LEAST: i32 = 5;
/// The width of the longest name.
const NAME: i32 = 380;
/// A longer title is cut.
const LONGEST_TITLE: i32 = 1720;
/// A picture of more labels could not be read.
const MOST_LABELS: usize = 200;

/// Draws a bar for each label, of the counts in which it was due or predicted, and these counts beside it.
///
/// # Shapes
///
/// - labels: `labels` names
/// - counts: `labels` counts, in the same order
///
/// # Errors
///
/// When the numbers of counts and labels differ, or there are no labels, or more than 200.
///
/// ```
/// use ran_picture::{LabelCount, label_counts};
///
/// let counts = [LabelCount { found: 9, missed: 1, wrong: 0, absent: 90 }];
/// let picture = label_counts("Colours", &["red".into()], &counts)?;
/// assert!(picture.svg().contains(">\n99 of 100 right (99 %), 1 missed, 0 wrong\n</text>"));
/// # Ok::<(), ran_picture::PictureError>(())
/// ```
pub fn label_counts(
    title: &str,
    labels: &[String],
    counts: &[LabelCount],
) -> Result<Picture, PictureError> {
    if labels.len() != counts.len() {
        let problem = format!(
            "{} labels need as many counts, got {}",
            labels.len(),
            counts.len()
        );
        return Err(PictureError::shape(title, problem));
    }
    if labels.is_empty() {
        return Err(PictureError::empty(title, "there are no labels"));
    }
    if labels.len() > MOST_LABELS {
        let problem = format!(
            "{} labels are more than the {MOST_LABELS} that it can have",
            labels.len()
        );
        return Err(PictureError::shape(title, problem));
    }
    let names = fit_all(labels, TEXT, NAME);
    let title = &fit(title, TITLE, LONGEST_TITLE);
    let widest = names.iter().map(|name| width_of(name, TEXT)).max();
    let left = MARGIN + widest.unwrap_or(0) + 20;
    let sum = |part: fn(&LabelCount) -> usize| counts.iter().map(part).sum::<usize>();
    let (missed, wrong) = (sum(|count| count.missed), sum(|count| count.wrong));
    let right = sum(|count| count.found + count.absent);
    let all = right + missed + wrong;
    let caption = format!(
        "{right} of {all} right ({}), {missed} missed, {wrong} wrong",
        percent(right, all)
    );
    let longest = counts.iter().map(|count| count.parts().iter().sum()).max();
    let longest: usize = longest.unwrap_or(0).max(1);
    let needed = [width_of(title, TITLE), width_of(&caption, TEXT)].map(|width| width + 2 * MARGIN);
    let numbers = left + BAR + 3 * LEAST + 10;
    let width = (numbers + 3 * COLUMN + MARGIN)
        .max(needed[0])
        .max(needed[1]);
    let height = HEAD + ROW * labels.len() as i32 + MARGIN;
    draw((width, height), |sheet| {
        write(sheet, title, (MARGIN, 50), At::Left, TITLE, INK)?;
        write(sheet, &caption, (MARGIN, 100), At::Left, TEXT, INK)?;
        let column = |part: usize| numbers + (part as i32 + 1) * COLUMN;
        let y = HEAD - 34;
        write(sheet, "steps, count", (left, y), At::Left, SMALL, FAINT)?;
        for (part, name) in ["found", "missed", "wrong"].iter().enumerate() {
            write(sheet, name, (column(part), y), At::Right, SMALL, FAINT)?;
            let x = column(part) - width_of(name, SMALL) - 26;
            fill(sheet, [x, y - 9, x + 18, y + 9], colour(part))?;
        }
        for (row, (name, count)) in names.iter().zip(counts).enumerate() {
            let top = HEAD + row as i32 * ROW;
            let middle = top + ROW / 2;
            line(sheet, vec![(MARGIN, top), (width - MARGIN, top)], GRID, 1)?;
            write(sheet, name, (left - 16, middle), At::Right, TEXT, INK)?;
            let mut x = left;
            for (part, number) in count.parts().into_iter().enumerate() {
                let share = number as f64 / longest as f64;
                let length = (share * f64::from(BAR)).round() as i32;
                if number > 0 {
                    let end = x + length.max(LEAST);
                    fill(sheet, [x, top + 9, end, top + ROW - 9], colour(part))?;
                    x = end;
                }
                let ink = if part > 0 && number == 0 { FAINT } else { INK };
                let at = (column(part), middle);
                write(sheet, &number.to_string(), at, At::Right, SMALL, ink)?;
            }
        }
        Ok(())
    })
}

impl LabelCount {
    /// What its bar is made of.
    fn parts(&self) -> [usize; 3] {
        [self.found, self.missed, self.wrong]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_a_sentence() {
        let one = [LabelCount::default()];
        for (labels, counts, words) in [
            (
                vec![String::new(); 2],
                &one[..],
                "2 labels need as many counts, got 1",
            ),
            (Vec::new(), &[][..], "there are no labels"),
            (
                vec![String::new(); 201],
                &[LabelCount::default(); 201][..],
                "201 labels are more than the 200",
            ),
        ] {
            let message = label_counts("T", &labels, counts).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
