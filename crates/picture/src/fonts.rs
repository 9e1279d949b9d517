//! The fonts of a PNG: the program's own, then the machine's, then code points.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use epaint_default_fonts::{HACK_REGULAR, NOTO_EMOJI_REGULAR, UBUNTU_LIGHT};
use fontdb::{Database, FaceInfo, Style};

/// An SVG, with fonts that have all of its letters.
pub(crate) struct Lettering<'a> {
    pub(crate) fonts: Arc<Database>,
    pub(crate) svg: Cow<'a, str>,
}

impl<'a> Lettering<'a> {
    pub(crate) fn of(svg: &'a str) -> Self {
        let own = own_fonts();
        let mut missing: BTreeSet<char> = svg.chars().filter(|&letter| is_seen(letter)).collect();
        for face in own.faces() {
            let found = covered(&own, face, &missing);
            missing.retain(|letter| !found.contains(letter));
        }
        if missing.is_empty() {
            let svg = Cow::Borrowed(svg);
            return Self { fonts: own, svg };
        }
        let mut fonts = Database::clone(&own);
        lend(&mut fonts, system_fonts(), &mut missing);
        Self {
            fonts: Arc::new(fonts),
            svg: Cow::Owned(with_codes(svg, &missing)),
        }
    }
}

/// Whether a letter needs a font that is not sure to have it. Marks that only direct others are not seen.
fn is_seen(letter: char) -> bool {
    let directs = matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}');
    !letter.is_ascii() && !letter.is_whitespace() && !directs
}

/// The program's own fonts, read once: the first is that of all text, the others have what it lacks.
fn own_fonts() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut fonts = Database::new();
        for font in [UBUNTU_LIGHT, HACK_REGULAR, NOTO_EMOJI_REGULAR] {
            fonts.load_font_data(font.to_vec());
        }
        let family = fonts.faces().next().and_then(|face| face.families.first());
        let family = family.map(|(name, _)| name.clone()).unwrap_or_default();
        fonts.set_sans_serif_family(family);
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}

/// The machine's fonts, looked for once, and only where a letter is missing.
fn system_fonts() -> &'static Database {
    static FONTS: OnceLock<Database> = OnceLock::new();
    FONTS.get_or_init(|| {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        fonts
    })
}

/// Adds to `fonts` those of `others` that have the missing letters, first those that have most of them.
fn lend(fonts: &mut Database, others: &Database, missing: &mut BTreeSet<char>) {
    let upright = others.faces().filter(|face| face.style == Style::Normal);
    let mut upright: Vec<&FaceInfo> = upright.collect();
    upright.sort_by_key(|face| face.weight.0.abs_diff(400));
    let mut lenders = Vec::new();
    for face in upright {
        let found = covered(others, face, missing);
        let all = found.len() == missing.len();
        if !found.is_empty() {
            lenders.push((found, face));
        }
        if all {
            break;
        }
    }
    lenders.sort_by_key(|(found, _)| std::cmp::Reverse(found.len()));
    for (found, face) in lenders {
        let before = missing.len();
        missing.retain(|letter| !found.contains(letter));
        if missing.len() < before {
            fonts.push_face_info(face.clone());
        }
    }
}

/// Which of some letters a face has.
fn covered(fonts: &Database, face: &FaceInfo, letters: &BTreeSet<char>) -> BTreeSet<char> {
    let found = fonts.with_face_data(face.id, |data, index| {
        let face = ttf_parser::Face::parse(data, index).ok()?;
        let found = letters.iter().copied();
        Some(
            found
                .filter(|&letter| face.glyph_index(letter).is_some())
                .collect(),
        )
    });
    found.flatten().unwrap_or_default()
}

/// The SVG with the code points of missing letters in their place, small, since a code is wider than a letter.
fn with_codes(svg: &str, missing: &BTreeSet<char>) -> String {
    let mut text = String::with_capacity(svg.len());
    let mut inside = false;
    for letter in svg.chars() {
        match (missing.contains(&letter), inside) {
            (true, false) => text.push_str("<tspan font-size=\"0.45em\">U+"),
            (true, true) => text.push(' '),
            (false, true) => text.push_str("</tspan>"),
            (false, false) => {}
        }
        inside = missing.contains(&letter);
        if inside {
            text.push_str(&format!("{:04X}", u32::from(letter)));
        } else {
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_that_no_font_has_is_written_as_its_code_point() {
        let missing = BTreeSet::from(['日', '語']);
        let text = with_codes("<text>日語 é 日</text>", &missing);
        let code = |codes: &str| format!("<tspan font-size=\"0.45em\">U+{codes}</tspan>");
        let expected = format!("<text>{} é {}</text>", code("65E5 8A9E"), code("65E5"));
        assert_eq!(text, expected);
    }

    #[test]
    fn a_text_in_the_programs_own_letters_asks_for_no_font_of_the_machine() {
        for text in ["a é ß λ ± ² → …", "Ж", "😀", "no\u{200B}thing"] {
            let lettering = Lettering::of(text);
            assert_eq!(lettering.svg, text);
            assert!(Arc::ptr_eq(&lettering.fonts, &own_fonts()), "{text}");
        }
    }

    #[test]
    fn a_letter_is_lent_by_the_face_that_has_it() {
        let mut letters = BTreeSet::from(['a', '日']);
        let mut fonts = Database::new();
        lend(&mut fonts, &own_fonts(), &mut letters);
        assert_eq!((fonts.len(), letters), (1, BTreeSet::from(['日'])));
    }
}
