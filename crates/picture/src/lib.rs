//! Pictures of experiments, from plain numbers: SVG text, and PNG and PDF from the same.
//!
//! [`Chart`] draws series over an axis, [`confusion`](fn@confusion) what was taken for what, [`label_counts`] what became
//! of each of several labels, [`sequences`](fn@sequences) what goes in and is due over time, [`Scatter`] marks over two
//! axes coloured by a third quantity, with curves of a [`Surface`], [`Parallel`] many quantities at once, [`bars`](fn@bars) shares. All pictures are drawn on
//! white paper, so that they can be read on light and dark pages, in colours that colour-blind readers tell apart, and need no font and no library
//! of the machine. Letters that the program's own fonts lack (those of Chinese, Japanese and Korean, say) are taken from
//! the machine's fonts in a PNG, and are written as their code points where it has none for them.

mod axis;
mod bars;
mod canvas;
mod chart;
mod column;
mod confusion;
mod contour;
mod curve;
mod error;
mod fonts;
mod key;
mod labels;
mod parallel;
mod picture;
mod scatter;
mod sequences;
mod text;
mod viridis;

pub use axis::{Axis, Scale};
pub use bars::{Bar, bars};
pub use chart::{Chart, Series, Stroke, charts};
pub use column::ColourScale;
pub use confusion::confusion;
pub use contour::Surface;
pub use curve::Curve;
pub use error::PictureError;
pub use labels::{LabelCount, label_counts};
pub use parallel::{Parallel, ParallelLine};
pub use picture::Picture;
pub use scatter::{Mark, Scatter};
pub use sequences::{Sequence, Style, Track, sequences};
pub use viridis::viridis;
