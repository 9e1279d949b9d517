//! Bars: how large each of several named shares is.

use crate::canvas::{At, COLOURS, INK, LETTERS, PAPER, between, draw, fill, write};
use crate::column::{HEADING, MARGIN, WIDTH};
use crate::text::{fit, fit_all, percent_of, width_of};
use crate::{Picture, PictureError};

/// A named share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// What is written before it.
    pub name: String,
    /// How much of all it is, from 0 to 1.
    pub share: f64,
    /// Whether it is of a second kind, which is paler.
    pub pale: bool,
}

const ROW: i32 = 46;
/// The width of the longest name.
const LONGEST_NAME: i32 = 400;
/// A picture of more bars could not be read.
const MOST: usize = 200;

/// Draws shares below one another, each with its number, and what they are shares of.
///
/// # Errors
///
/// When there are no bars or more than 200, or a share is no number from 0 to 1.
///
/// ```
/// use ran_picture::{Bar, bars};
///
/// let leak = Bar { name: "leak".into(), share: 0.75, pale: false };
/// let picture = bars("What matters", "share of the variance", &[leak])?;
/// assert!(picture.svg().contains(">\n75 %\n</text>"));
/// # Ok::<(), ran_picture::PictureError>(())
/// ```
pub fn bars(title: &str, label: &str, bars: &[Bar]) -> Result<Picture, PictureError> {
    if bars.is_empty() {
        return Err(PictureError::empty(title, "there are no bars"));
    }
    if bars.len() > MOST {
        let problem = format!(
            "{} bars are more than the {MOST} that it can have",
            bars.len()
        );
        return Err(PictureError::shape(title, problem));
    }
    if let Some(odd) = bars.iter().find(|bar| !(0.0..=1.0).contains(&bar.share)) {
        let problem = format!(
            "the share of {:?} is {}; it must be from 0 to 1",
            odd.name, odd.share
        );
        return Err(PictureError::shape(title, problem));
    }
    let names: Vec<String> = bars.iter().map(|bar| bar.name.clone()).collect();
    let names = fit_all(&names, LETTERS, LONGEST_NAME);
    let widest = names.iter().map(|name| width_of(name, LETTERS)).max();
    let left = MARGIN + widest.unwrap_or(0) + 16;
    let room = f64::from(WIDTH - MARGIN - 120 - left);
    let longest = bars
        .iter()
        .map(|bar| bar.share)
        .fold(f64::MIN_POSITIVE, f64::max);
    let rows = i32::from(!title.is_empty()) + i32::from(!label.is_empty());
    let head = MARGIN + 50 * rows;
    draw((WIDTH, head + ROW * bars.len() as i32 + MARGIN), |sheet| {
        let mut y = MARGIN + 22;
        for (text, size) in [(title, HEADING), (label, LETTERS)] {
            if !text.is_empty() {
                let text = fit(text, size, WIDTH - 2 * MARGIN);
                write(sheet, &text, (MARGIN, y), At::Left, size, INK)?;
                y += 50;
            }
        }
        for (row, (bar, name)) in bars.iter().zip(&names).enumerate() {
            let top = head + row as i32 * ROW;
            let middle = top + ROW / 2;
            write(sheet, name, (left - 16, middle), At::Right, LETTERS, INK)?;
            let end = left + (bar.share / longest * room).round() as i32;
            let colour = between(COLOURS[0], PAPER, if bar.pale { 0.5 } else { 0.0 });
            fill(
                sheet,
                [left, top + 8, end.max(left + 2), top + ROW - 8],
                colour,
            )?;
            let share = percent_of(bar.share);
            write(sheet, &share, (end + 10, middle), At::Left, LETTERS, INK)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_drawn_is_refused_with_a_sentence() {
        let bar = |share| Bar {
            name: "leak".into(),
            share,
            pale: false,
        };
        for (given, words) in [
            (vec![], "there are no bars"),
            (vec![bar(0.5); 201], "201 bars are more than the 200"),
            (vec![bar(f64::NAN)], "the share of \"leak\" is NaN"),
        ] {
            let message = bars("T", "", &given).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
