//! A picture that has been drawn: SVG text, and a PNG or a PDF made from it.

use resvg::usvg::{Options, Tree, WriteOptions};
use resvg::{tiny_skia, usvg};

use crate::PictureError;
use crate::fonts::Lettering;

/// A drawn picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    svg: String,
}

/// Pixels of the PNG per pixel of the SVG, so that it is sharp on dense screens and in print.
const PNG_SCALE: f32 = 2.0;

impl Picture {
    pub(crate) fn new(svg: String) -> Self {
        Self { svg }
    }

    /// The picture as SVG, a complete file. Text is text, in the reader's own sans-serif font.
    #[must_use]
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// The picture as PNG, a complete file with twice the SVG's pixels in each direction. The fonts come with the program
    /// (Latin, Greek and Cyrillic letters, signs, emoji), so that a machine without fonts draws the same. Other letters,
    /// such as those of Chinese, Japanese and Korean, are taken from a font of the machine; where it has none for a letter,
    /// the letter's code point is written small instead, as in U+8A9E.
    ///
    /// # Errors
    ///
    /// When the picture is too large for an image of pixels.
    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        let failed = |problem: String| PictureError::Drawing(problem);
        let tree = self.tree()?;
        let size = tree.size().to_int_size().scale_by(PNG_SCALE);
        let size = size.ok_or_else(|| failed("it has no pixels".into()))?;
        let (width, height) = (size.width(), size.height());
        let pixels = tiny_skia::Pixmap::new(width, height);
        let mut pixels = pixels.ok_or_else(|| {
            failed(format!(
                "{width}×{height} pixels are more than a PNG can have"
            ))
        })?;
        let scale = usvg::Transform::from_scale(PNG_SCALE, PNG_SCALE);
        resvg::render(&tree, scale, &mut pixels.as_mut());
        pixels
            .encode_png()
            .map_err(|error| failed(error.to_string()))
    }

    /// The picture as PDF, a complete file of one page that is as large as the SVG (96 of its pixels are an inch). Letters
    /// are outlines, so that no font is needed, with the fonts of [`Picture::png`].
    ///
    /// # Errors
    ///
    /// When the picture cannot be converted.
    pub fn pdf(&self) -> Result<Vec<u8>, PictureError> {
        let failed = |problem: String| PictureError::Drawing(problem);
        // The converter's own reader of SVG is of an older version and knows no fonts: it gets outlines.
        let outlines = self.tree()?.to_string(&WriteOptions::default());
        let tree = svg2pdf::usvg::Tree::from_str(&outlines, &svg2pdf::usvg::Options::default());
        let tree = tree.map_err(|error| failed(error.to_string()))?;
        let page = svg2pdf::PageOptions { dpi: 96.0 };
        svg2pdf::to_pdf(&tree, svg2pdf::ConversionOptions::default(), page)
            .map_err(|error| failed(error.to_string()))
    }

    /// The SVG as it is read, with fonts that have its letters.
    fn tree(&self) -> Result<Tree, PictureError> {
        let Lettering { fonts, svg } = Lettering::of(&self.svg);
        let options = Options {
            fontdb: fonts,
            ..Options::default()
        };
        Tree::from_str(&svg, &options).map_err(|error| PictureError::Drawing(error.to_string()))
    }
}
