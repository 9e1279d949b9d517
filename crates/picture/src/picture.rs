//! A picture that has been drawn: SVG text, and a PNG made from it.

use std::sync::{Arc, OnceLock};

use resvg::usvg::{Options, Tree, fontdb::Database};
use resvg::{tiny_skia, usvg};

use crate::PictureError;

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

    /// The picture as PNG, a complete file with twice the SVG's pixels in each direction. The font comes with the program, so
    /// that a machine without fonts draws the same.
    ///
    /// # Errors
    ///
    /// When the picture is too large for an image of pixels.
    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        let failed = |problem: String| PictureError::Drawing(problem);
        let options = Options {
            fontdb: fonts(),
            ..Options::default()
        };
        let tree =
            Tree::from_str(&self.svg, &options).map_err(|error| failed(error.to_string()))?;
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
}

/// The one font of the PNGs, read once.
fn fonts() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut fonts = Database::new();
        fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
        let family = fonts.faces().next().and_then(|face| face.families.first());
        let family = family.map(|(name, _)| name.clone()).unwrap_or_default();
        fonts.set_sans_serif_family(family);
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}
