//! Sequences over time: what goes in, what is due, what came out, track under track.

mod track;

use ndarray::Array2;

use crate::axis::extremes;
use crate::canvas::{
    At, Drawn, FAINT, INK, PAPER, SMALL, Sheet, TEXT, TITLE, between, draw, fill, frame, line,
    write,
};
use crate::key::key;
use crate::text::{fit, fit_all, short};
use crate::{Axis, Picture, PictureError, Scale};
use track::Time;

pub use track::{Style, Track};

/// One sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// What is said of it.
    pub caption: String,
    /// The number of its first step that is shown, for the axis.
    pub first: usize,
    /// How many steps are shown. The tracks' steps count from `first`.
    pub length: usize,
    /// Its tracks, from the top.
    pub tracks: Vec<Track>,
    /// What it is a picture of, `[height, width]`, drawn beside it.
    pub image: Option<Array2<f32>>,
}

const WIDTH: i32 = 1800;
pub(super) const MARGIN: i32 = 40;
/// Where time begins: names of tracks and channels are to the left of it.
const LEFT: i32 = 330;
/// The room to the right of the end of time, for the keys of lines.
pub(super) const RIGHT: i32 = 250;
/// With the image beside it.
const IMAGE: i32 = 260;
/// The side of the image, and the room for its key below it.
const SIDE: i32 = 200;
const IMAGE_KEY: i32 = 50;
/// The width of all rows of a track's name, some of which are not filled.
const NAME: i32 = 600;
const CAPTION: i32 = 64;
const AXIS: i32 = 90;
const GAP: i32 = 26;
/// More cells make files that no viewer opens.
const MOST_CELLS: usize = 200_000;

/// Draws sequences below one another.
///
/// # Errors
///
/// When there is none, or a track's shapes do not fit: each step less than the sequence's length, a row of values per step.
pub fn sequences(title: &str, sequences: &[Sequence]) -> Result<Picture, PictureError> {
    if sequences.is_empty() {
        return Err(PictureError::empty(title, "there are no sequences"));
    }
    let tracks = || {
        sequences
            .iter()
            .flat_map(|one| one.tracks.iter().map(move |track| (one, track)))
    };
    for (sequence, track) in tracks() {
        track.check(title, sequence.length)?;
    }
    let cells = tracks().filter(|(_, track)| track.style == Style::Cells);
    let cells: usize = cells.map(|(_, track)| track.values.len()).sum();
    if cells > MOST_CELLS {
        let problem = format!(
            "{cells} cells are more than the {MOST_CELLS} that it can have; show fewer steps"
        );
        return Err(PictureError::shape(title, problem));
    }
    let heights = sequences.iter().map(Sequence::height);
    let height = 90 + heights.sum::<i32>();
    draw((WIDTH, height), |sheet| {
        let title = fit(title, TITLE, WIDTH - 2 * MARGIN);
        write(sheet, &title, (MARGIN, 50), At::Left, TITLE, INK)?;
        let mut top = 90;
        for sequence in sequences {
            sequence.draw(sheet, top)?;
            top += sequence.height();
        }
        Ok(())
    })
}

impl Sequence {
    fn height(&self) -> i32 {
        let tracks = self.tracks.iter().zip(self.names());
        let tracks: i32 = tracks.map(|(track, name)| track.height(&name) + GAP).sum();
        let image = self.image.as_ref().map_or(0, |_| SIDE + IMAGE_KEY);
        CAPTION + tracks.max(image) + AXIS
    }

    /// The tracks' names as they are shown.
    fn names(&self) -> Vec<String> {
        let names = self.tracks.iter().map(|track| track.name.clone());
        let names: Vec<String> = names.collect();
        let mut shown = fit_all(&names, SMALL, NAME);
        for (shown, name) in shown.iter_mut().zip(&names) {
            // A track need not have a name.
            if name.is_empty() {
                shown.clear();
            }
        }
        shown
    }

    fn right(&self) -> i32 {
        let image = if self.image.is_some() { IMAGE } else { 0 };
        WIDTH - RIGHT - image
    }

    fn draw(&self, sheet: &Sheet<'_>, top: i32) -> Drawn {
        let caption = fit(&self.caption, TEXT, WIDTH - 2 * MARGIN);
        write(
            sheet,
            &caption,
            (MARGIN, top + CAPTION / 2),
            At::Left,
            TEXT,
            INK,
        )?;
        if let Some(image) = &self.image {
            let left = WIDTH - IMAGE + 20;
            draw_image(
                sheet,
                image,
                [left, top + CAPTION, left + SIDE, top + CAPTION + SIDE],
            )?;
        }
        let time = Time {
            left: LEFT,
            right: self.right(),
            length: self.length,
        };
        let mut y = top + CAPTION;
        for (track, name) in self.tracks.iter().zip(self.names()) {
            track.draw(sheet, &time, y, &name)?;
            y += track.height(&name) + GAP;
        }
        // Ticks stand at the middles of the steps that they count.
        let axis = Axis {
            scale: Scale::Count,
            ..Axis::default()
        };
        let ends = [
            self.first as f64,
            (self.first + self.length).saturating_sub(1) as f64,
        ];
        let y = y - GAP + 8;
        line(sheet, vec![(time.left, y), (time.right, y)], FAINT, 2)?;
        let ticks = axis.ticks(ends, 10);
        for (tick, name) in ticks.iter().copied().zip(axis.names(&ticks)) {
            let (from, to) = time.span(tick as usize - self.first);
            let x = (from + to) / 2;
            line(sheet, vec![(x, y), (x, y + 8)], FAINT, 2)?;
            write(sheet, &name, (x, y + 28), At::Centre, SMALL, FAINT)?;
        }
        write(
            sheet,
            "step",
            (time.right + 64, y + 28),
            At::Left,
            SMALL,
            FAINT,
        )
    }
}

fn draw_image(
    sheet: &Sheet<'_>,
    image: &Array2<f32>,
    [left, top, right, bottom]: [i32; 4],
) -> Drawn {
    let (height, width) = image.dim();
    let finite = image.iter().filter(|x| x.is_finite());
    let [low, high] = extremes(finite.map(|&x| f64::from(x))).unwrap_or_default();
    let spread = (high - low).max(f64::MIN_POSITIVE);
    let shade = |part: f64| between(PAPER, INK, part);
    let at =
        |part: usize, of: usize, from: i32, to: i32| from + (to - from) * part as i32 / of as i32;
    for ((y, x), &value) in image.indexed_iter() {
        let part = (f64::from(value) - low) / spread;
        let ink = shade(if part.is_finite() { part } else { 0.0 });
        let cell = [
            at(x, width, left, right),
            at(y, height, top, bottom),
            at(x + 1, width, left, right),
            at(y + 1, height, top, bottom),
        ];
        fill(sheet, cell, ink)?;
    }
    frame(sheet, [left, top, right, bottom], FAINT)?;
    if low >= high {
        return Ok(());
    }
    let names = [low, high].map(short);
    let place = (left, bottom + IMAGE_KEY / 2 + 4);
    key(sheet, place, right - left, [&names[0], &names[1]], shade)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn refused(track: Track) -> String {
        let sequence = Sequence {
            length: 2,
            tracks: vec![track],
            ..Sequence::default()
        };
        sequences("T", &[sequence]).unwrap_err().to_string()
    }

    #[test]
    fn what_does_not_fit_is_refused_with_a_sentence() {
        let track = Track {
            name: "input".into(),
            steps: vec![0, 1],
            values: array![[1.0], [2.0]],
            ..Track::default()
        };
        for (wrong, words) in [
            (
                Track {
                    steps: vec![0],
                    ..track.clone()
                },
                "1 steps need as many rows of values, got 2",
            ),
            (
                Track {
                    steps: vec![0, 2],
                    ..track.clone()
                },
                "step 2 is not among the 2 steps",
            ),
            (
                Track {
                    channels: vec!["a".into(), "b".into()],
                    ..track.clone()
                },
                "2 names of channels need as many columns of values, got 1",
            ),
        ] {
            let message = refused(wrong);
            assert!(
                message.contains(words) && message.contains("\"input\""),
                "{message}"
            );
        }
        assert!(
            sequences("T", &[])
                .unwrap_err()
                .to_string()
                .contains("no sequences")
        );
    }
}
