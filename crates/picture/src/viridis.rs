//! The colour map viridis (van der Walt and Smith 2015): its brightness rises evenly, so that it can be read in grey and by
//! colour-blind readers.

use plotters::style::RGBColor;

use crate::canvas::between;

/// Viridis at equal steps of the way from dark to bright; its last, too pale for paper, is left out.
const VIRIDIS: [RGBColor; 10] = [
    RGBColor(68, 1, 84),
    RGBColor(72, 36, 117),
    RGBColor(65, 68, 135),
    RGBColor(53, 95, 141),
    RGBColor(42, 120, 142),
    RGBColor(33, 145, 140),
    RGBColor(34, 168, 132),
    RGBColor(68, 191, 112),
    RGBColor(122, 209, 81),
    RGBColor(189, 223, 38),
];

/// The red, green and blue part of viridis at a part of the way from its dark to its bright end.
#[must_use]
pub fn viridis(part: f64) -> [u8; 3] {
    let RGBColor(red, green, blue) = shade(part);
    [red, green, blue]
}

/// The colour at a part of the way from dark to bright.
pub(crate) fn shade(part: f64) -> RGBColor {
    let last = VIRIDIS.len() - 1;
    let at = part.clamp(0.0, 1.0) * last as f64;
    let step = (at as usize).min(last - 1);
    between(VIRIDIS[step], VIRIDIS[step + 1], at - step as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_lie_between_those_of_the_table() {
        assert_eq!(viridis(0.0), [68, 1, 84]);
        assert_eq!(viridis(7.0), [189, 223, 38]);
        assert_eq!(viridis(0.5 / 9.0), [70, 19, 101]);
    }

    #[test]
    fn brightness_rises_with_each_step() {
        // Relative luminance, as WCAG 2 has it but for its straight part.
        let luminance = |step: u8| {
            let [red, green, blue] =
                viridis(f64::from(step) / 20.0).map(|part| (f64::from(part) / 255.0).powf(2.2));
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        assert!((0..20).all(|step| luminance(step) < luminance(step + 1)));
    }
}
