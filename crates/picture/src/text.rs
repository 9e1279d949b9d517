//! Texts that fit: how wide they are, how they are cut, and how numbers are written.

/// About how wide a text is; the reader's font decides.
pub(crate) fn width_of(text: &str, size: i32) -> i32 {
    let width: f64 = text.chars().map(width_of_letter).sum();
    (width * f64::from(size) / 1.24).ceil() as i32
}

/// In parts of the font's size, rather too much than too little.
fn width_of_letter(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' | ' ' => 0.32,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' => 0.92,
        'A'..='Z' => 0.7,
        letter if letter.is_ascii() => 0.57,
        'à'..='ÿ' | 'α'..='ω' | '±' | '·' | '–' | '×' | '²' => 0.6,
        // Letters of the CJK scripts are 1 wide; the PNG's code of a letter that no font has is a little wider.
        _ => 1.2,
    }
}

/// A text that is at most `width` wide, the end of a longer one left out, and without what a file cannot hold.
pub(crate) fn fit(text: &str, size: i32, width: i32) -> String {
    let text = clean(text);
    if width_of(&text, size) <= width {
        return text;
    }
    let kept = beginning(&text, size, width - width_of("…", size));
    format!("{}…", kept.trim_end())
}

/// Texts that are at most `width` wide each. Texts that differ are never cut to the same: those that would be keep
/// their ends too, and get their number where this does not help.
pub(crate) fn fit_all(texts: &[String], size: i32, width: i32) -> Vec<String> {
    let named: Vec<String> = texts.iter().map(|text| name_blank(text)).collect();
    let cut = named.iter().map(|text| fit(text, size, width));
    let mut cut: Vec<String> = cut.collect();
    for index in ambiguous(texts, &cut) {
        cut[index] = without_middle(&named[index], size, width);
    }
    loop {
        let again = ambiguous(texts, &cut);
        if again.is_empty() {
            return cut;
        }
        for index in again {
            // Names with different numbers differ, so that this loop ends.
            let number = format!(" #{}", index + 1);
            let rest = width - width_of(&number, size);
            cut[index] = fit(&named[index], size, rest) + &number;
        }
    }
}

/// A text in rows of at most `width`; the end of what needs more than `rows` of them is left out.
pub(crate) fn wrap(text: &str, size: i32, width: i32, rows: usize) -> Vec<String> {
    let text = clean(text);
    let mut rest = text.trim();
    let mut wrapped = Vec::new();
    while !rest.is_empty() {
        if wrapped.len() + 1 >= rows || width_of(rest, size) <= width {
            wrapped.push(fit(rest, size, width));
            break;
        }
        let row = beginning(rest, size, width);
        // A row ends between words, or after a mark within a name, unless a quarter of it were left free.
        let end = row.rfind([' ', '_', '-', '.', '/']).map_or(0, |at| at + 1);
        let filled = width_of(&row[..end], size) * 4 >= width * 3;
        let end = if filled { end } else { row.len() };
        // A row of no letter would be without end.
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let (row, left) = rest.split_at(end.max(first));
        wrapped.push(row.trim_end().to_string());
        rest = left.trim_start();
    }
    wrapped
}

/// As many letters from the beginning as fit.
fn beginning(text: &str, size: i32, width: i32) -> &str {
    let mut used = 0.0;
    let most = f64::from(width) * 1.24 / f64::from(size);
    let end = text.char_indices().find(|(_, letter)| {
        used += width_of_letter(*letter);
        used > most
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// A text with its beginning and its end.
fn without_middle(text: &str, size: i32, width: i32) -> String {
    let text = clean(text);
    if width_of(&text, size) <= width {
        return text;
    }
    let half = (width - width_of("…", size)) / 2;
    let backwards: String = text.chars().rev().collect();
    let end: String = beginning(&backwards, size, half).chars().rev().collect();
    format!("{}…{end}", beginning(&text, size, half))
}

/// The indices of texts that are shown as another is which they differ from.
fn ambiguous(texts: &[String], shown: &[String]) -> Vec<usize> {
    let mut first = std::collections::HashMap::new();
    let mut several = std::collections::HashSet::new();
    for (text, shown) in texts.iter().zip(shown) {
        if *first.entry(shown).or_insert(text) != text {
            several.insert(shown);
        }
    }
    let found = shown.iter().enumerate();
    let found = found.filter(|(_, shown)| several.contains(shown));
    found.map(|(index, _)| index).collect()
}

/// A name that can be seen.
fn name_blank(text: &str) -> String {
    let blank = text.trim().is_empty();
    if blank { "(blank)" } else { text }.to_string()
}

/// Without what XML does not allow.
pub(crate) fn clean(text: &str) -> String {
    let allowed = |letter: char| !letter.is_control() && !matches!(letter, '\u{FFFE}' | '\u{FFFF}');
    let clean = |letter| if allowed(letter) { letter } else { '\u{FFFD}' };
    text.chars().map(clean).collect()
}

/// A number as an axis shows it: six digits at most.
pub(crate) fn number(value: f64) -> String {
    digits(value, 6)
}

/// Numbers as an axis shows them: six digits at most, more where numbers that differ would look the same.
pub(crate) fn numbers(values: &[f64]) -> Vec<String> {
    let distinct = |names: &[String]| {
        let pairs = names.windows(2).zip(values.windows(2));
        let mut pairs = pairs.map(|(names, values)| names[0] != names[1] || values[0] == values[1]);
        pairs.all(|distinct| distinct)
    };
    let names = |count| -> Vec<String> { values.iter().map(|&x| digits(x, count)).collect() };
    let found = (6..=17).map(names).find(|names| distinct(names));
    found.unwrap_or_else(|| names(17))
}

/// A number where there is little room: four digits at most.
pub(crate) fn short(value: f64) -> String {
    digits(value, 4)
}

fn digits(value: f64, count: i32) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 {
            "0".into()
        } else {
            value.to_string()
        };
    }
    let most = 10_f64.powi(count);
    if !(1e-4..most).contains(&size) {
        let text = format!("{value:.*e}", (count - 3).max(0) as usize);
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = trim(digits);
        return format!("{digits}e{exponent}");
    }
    let decimals = (count - 1 - size.log10().floor() as i32).clamp(0, count + 3) as usize;
    trim(&format!("{value:.decimals$}")).into()
}

fn trim(digits: &str) -> &str {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}

/// A share from 0 to 1 in per cent, to a tenth below a tenth.
pub(crate) fn percent_of(share: f64) -> String {
    let decimals = if share < 0.1 { 1 } else { 0 };
    format!("{:.decimals$} %", 100.0 * share)
}

/// A share of all, in per cent; only nothing is 0 % and only all is 100 %.
pub(crate) fn percent(part: usize, all: usize) -> String {
    let hundredths = (10_000.0 * part as f64 / all.max(1) as f64).round();
    let hundredths = match (part, part < all) {
        (0, _) => 0.0,
        (_, true) => hundredths.clamp(1.0, 9_999.0),
        (_, false) => hundredths,
    };
    format!("{} %", number(hundredths / 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        for (value, expected) in [
            (0.0, "0"),
            (1.0, "1"),
            (-0.25, "-0.25"),
            (1234.5, "1234.5"),
            (0.1 + 0.2, "0.3"),
            (1e-5, "1e-5"),
            (2.5e7, "2.5e7"),
            (100_000.0, "100000"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn ticks_that_differ_have_names_that_differ() {
        assert_eq!(numbers(&[0.0, 0.5, 1.0]), ["0", "0.5", "1"]);
        assert_eq!(
            numbers(&[9_999_999.5, 10_000_000.0, 10_000_000.5]),
            ["9999999.5", "10000000", "10000000.5"]
        );
    }

    #[test]
    fn long_texts_lose_their_end() {
        let whole = width_of("abcdef", 26);
        assert_eq!(fit("abcdef", 26, whole), "abcdef");
        assert_eq!(fit("abcdefgh", 26, whole), "abcd…");
        for text in [
            "WWWWWWWWWWWW",
            "日本語の長い名前です",
            "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii",
        ] {
            assert!(width_of(&fit(text, 26, 120), 26) <= 120, "{text}");
        }
    }

    #[test]
    fn texts_that_differ_are_never_cut_to_the_same() {
        let sensor = |end: &str| format!("temperature of the sensor at the very far end {end}");
        let cases: [Vec<String>; 5] = [
            vec![sensor("A"), sensor("B")],
            vec![sensor("A") + &sensor("x"), sensor("B") + &sensor("x")],
            vec![String::new(), " ".into(), "(blank)".into()],
            vec!["a\u{1}".into(), "a\u{2}".into()],
            (0..300).map(|at| "x".repeat(at)).collect(),
        ];
        for texts in &cases {
            for width in [100, 180, 400] {
                let mut shown = fit_all(texts, 26, width);
                assert!(
                    shown.iter().all(|text| width_of(text, 26) <= width),
                    "{shown:?}"
                );
                shown.sort();
                shown.dedup();
                assert_eq!(shown.len(), texts.len(), "{width}: {shown:?}");
            }
        }
        // Equal names stay equal, and names that fit stay as they are.
        let equal = ["a", "b", "a"].map(String::from);
        assert_eq!(fit_all(&equal, 26, 100), equal);
    }

    #[test]
    fn a_long_name_is_wrapped_between_its_words() {
        let rows = wrap("temperature_of_the sensor", 26, 170, 4);
        assert_eq!(rows[0], "temperature_");
        assert_eq!(rows.len(), 2);
        assert!(
            !rows[1].contains('…') && rows[1].ends_with("sensor"),
            "{rows:?}"
        );
        let rows = wrap(&"W".repeat(100), 26, 170, 3);
        assert_eq!(rows.len(), 3);
        assert!(rows[2].ends_with('…') && rows.iter().all(|row| width_of(row, 26) <= 170));
        assert!(wrap("", 26, 170, 3).is_empty());
        assert_eq!(wrap("語語", 26, 1, 5).len(), 2);
    }

    #[test]
    fn a_share_is_a_percentage() {
        assert_eq!(percent(1, 3), "33.33 %");
        assert_eq!(percent(4, 4), "100 %");
        assert_eq!(percent(0, 0), "0 %");
        assert_eq!(percent(1_500_000, 1_500_021), "99.99 %");
        assert_eq!(percent(1, 1_500_021), "0.01 %");
    }
}
