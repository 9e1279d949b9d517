//! The `.npy` format of NumPy: one array, a short header before its bytes.
//!
//! Own code rather than a crate, because the readers at hand panic on crafted headers (a shape whose product
//! overflows, literals nested without end), and data come from outside.

mod item;

use item::Item;

/// An array, in C order whatever the file's order.
#[derive(Clone, Debug, PartialEq)]
pub struct NpyArray {
    /// Its shape; empty for a single value.
    pub shape: Vec<usize>,
    /// As many values as the shape's product.
    pub values: Values,
}

/// The values of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Floats, integers and booleans.
    Numbers(Vec<f64>),
    /// Strings.
    Text(Vec<String>),
}

const MAGIC: &[u8] = b"\x93NUMPY";

/// No header of ours is longer. NumPy itself reads no more than 10,000 bytes of one that it does not trust.
pub(crate) const LONGEST_HEADER: usize = 1 << 16;

/// Reads the bytes of an `.npy` file; the error says what is wrong, without the file's name.
pub(crate) fn parse(bytes: &[u8]) -> Result<NpyArray, String> {
    let Header {
        item,
        fortran,
        shape,
        start,
        needed,
    } = Header::read(bytes)?;
    let data = &bytes[start..];
    if needed != data.len() {
        return Err(misfit(&shape, &item, data.len() as u64));
    }
    let chunks = data.chunks_exact(item.bytes);
    let values = if item.is_text() {
        Values::Text(chunks.map(|chunk| item.text(chunk)).collect())
    } else {
        Values::Numbers(chunks.map(|chunk| item.number(chunk)).collect())
    };
    let values = if fortran && shape.len() > 1 {
        to_c_order(values, &shape)
    } else {
        values
    };
    Ok(NpyArray { shape, values })
}

/// Reads the bytes of an `.npy` file of numbers. Text is refused by its header: of short strings it would take many times the
/// file's room.
pub(crate) fn parse_numbers(bytes: &[u8]) -> Result<NpyArray, String> {
    if Header::read(bytes)?.item.is_text() {
        return Err("it holds text where numbers are needed".into());
    }
    parse(bytes)
}

/// Checks by its first bytes that an `.npy` file of `length` bytes is as long as its header says, before more of it is read.
pub(crate) fn check_length(first: &[u8], length: u64) -> Result<(), String> {
    let header = Header::read(first)?;
    match length.checked_sub(header.start as u64) {
        Some(data) if data == header.needed as u64 => Ok(()),
        data => Err(misfit(&header.shape, &header.item, data.unwrap_or(0))),
    }
}

fn misfit(shape: &[usize], item: &Item, found: u64) -> String {
    format!(
        "the shape {shape:?} with {} bytes a value does not fit the {found} bytes of data; the file is cut short or broken",
        item.bytes
    )
}

/// What stands before the data.
struct Header {
    item: Item,
    fortran: bool,
    shape: Vec<usize>,
    /// Where the data begin.
    start: usize,
    /// How many bytes the data have by the shape.
    needed: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let (header, data) = split_header(bytes)?;
        let item = Item::parse(
            quoted(header, "descr").ok_or("the header has no 'descr' that names one type")?,
        )?;
        let fortran = match after_key(header, "fortran_order").map(str::trim_start) {
            Some(text) if text.starts_with("True") => true,
            Some(text) if text.starts_with("False") => false,
            _ => return Err("the header's 'fortran_order' is neither True nor False".into()),
        };
        let shape = shape(header)?;
        // Sizes beside a 0 count as well: no memory has such a shape, whatever the array holds.
        let mut sizes = shape.iter().map(|&size| size.max(1));
        let room = sizes.try_fold(item.bytes, |product: usize, size| product.checked_mul(size));
        let room = room.filter(|&room| isize::try_from(room).is_ok());
        let Some(room) = room else {
            return Err(misfit(&shape, &item, data.len() as u64));
        };
        let needed = if shape.contains(&0) { 0 } else { room };
        Ok(Self {
            item,
            fortran,
            start: bytes.len() - data.len(),
            shape,
            needed,
        })
    }
}

/// The bytes of an `.npy` file of little-endian single floats in C order.
///
/// # Panics
///
/// When the shape does not fit the number of values.
#[cfg(test)]
pub(crate) fn floats(shape: &[usize], values: &[f32]) -> Vec<u8> {
    assert_eq!(
        shape.iter().product::<usize>(),
        values.len(),
        "the shape must fit the values"
    );
    let mut bytes = header("<f4", shape);
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// The bytes of an `.npy` file of little-endian 64-bit integers in one dimension.
#[cfg(test)]
pub(crate) fn integers(values: &[usize]) -> Vec<u8> {
    let mut bytes = header("<i8", &[values.len()]);
    bytes.extend(
        values
            .iter()
            .flat_map(|&value| (value as i64).to_le_bytes()),
    );
    bytes
}

/// The bytes of an `.npy` file of strings.
pub(crate) fn text(shape: &[usize], values: &[&str]) -> Vec<u8> {
    assert_eq!(
        shape.iter().product::<usize>(),
        values.len(),
        "the shape must fit the values"
    );
    let widths = values.iter().map(|value| value.chars().count());
    let width = widths.max().unwrap_or(0).max(1);
    let mut bytes = header(&format!("<U{width}"), shape);
    for value in values {
        let points = value
            .chars()
            .map(u32::from)
            .chain(std::iter::repeat(0))
            .take(width);
        bytes.extend(points.flat_map(u32::to_le_bytes));
    }
    bytes
}

/// The first bytes of an `.npy` file in C order; its values follow.
pub(crate) fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    // The format wants the data to begin at a multiple of 64 bytes.
    while !(MAGIC.len() + 4 + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let length = u16::try_from(text.len()).expect("a header of few dimensions is short");
    [MAGIC, &[1, 0], &length.to_le_bytes(), text.as_bytes()].concat()
}

fn split_header(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    let short = || "the file ends within the header; it is cut short".to_string();
    if !bytes.starts_with(MAGIC) {
        return Err("the first bytes are not those of NumPy's .npy format".into());
    }
    let version = *bytes.get(6).ok_or_else(short)?;
    let rest = bytes.get(8..).unwrap_or_default();
    let (length, start) = match version {
        1 => (
            rest.first_chunk()
                .map(|two| u16::from_le_bytes(*two).into()),
            10,
        ),
        2 | 3 => (rest.first_chunk().map(|four| u32::from_le_bytes(*four)), 12),
        other => {
            return Err(format!(
                "the format's version is {other}; versions 1 to 3 can be read"
            ));
        }
    };
    let length = length.ok_or_else(short)? as usize;
    if length > LONGEST_HEADER {
        return Err(format!(
            "the header is {length} bytes long; up to {LONGEST_HEADER} are read"
        ));
    }
    let end = start + length;
    let header = bytes.get(start..end).ok_or_else(short)?;
    let header = std::str::from_utf8(header).map_err(|_| "the header is not text".to_string())?;
    Ok((header, &bytes[end..]))
}

/// What follows `'key':` in the header.
fn after_key<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let start = header.find(&format!("'{key}'"))? + key.len() + 2;
    header[start..].trim_start().strip_prefix(':')
}

fn quoted<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let text = after_key(header, key)?.trim_start().strip_prefix('\'')?;
    text.split('\'').next()
}

fn shape(header: &str) -> Result<Vec<usize>, String> {
    let broken = || "the header's 'shape' is not a tuple of sizes".to_string();
    let text = after_key(header, "shape").ok_or_else(broken)?.trim_start();
    let inner = text
        .strip_prefix('(')
        .and_then(|text| text.split(')').next())
        .ok_or_else(broken)?;
    let sizes = inner
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty());
    sizes
        .map(|size| size.parse().map_err(|_| broken()))
        .collect()
}

/// Reorders values whose first index runs fastest.
fn to_c_order(values: Values, shape: &[usize]) -> Values {
    fn reorder<T: Clone>(values: Vec<T>, shape: &[usize]) -> Vec<T> {
        let stored = ndarray::ArrayD::from_shape_vec(
            shape.iter().rev().copied().collect::<Vec<_>>(),
            values,
        );
        let stored = stored.expect("the shape fits the values");
        stored.reversed_axes().iter().cloned().collect()
    }
    match values {
        Values::Numbers(numbers) => Values::Numbers(reorder(numbers, shape)),
        Values::Text(text) => Values::Text(reorder(text, shape)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let text =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let length = (text.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, text.as_bytes(), data].concat()
    }

    #[test]
    fn what_is_written_is_read() {
        let array = parse(&floats(&[2, 1], &[1.5, -2.0])).unwrap();
        assert_eq!(
            array,
            NpyArray {
                shape: vec![2, 1],
                values: Values::Numbers(vec![1.5, -2.0])
            }
        );
        let array = parse(&text(&[], &["größer"])).unwrap();
        assert_eq!(
            array,
            NpyArray {
                shape: vec![],
                values: Values::Text(vec!["größer".into()])
            }
        );
        assert_eq!(
            parse(&integers(&[7])).unwrap().values,
            Values::Numbers(vec![7.0])
        );
        assert_eq!(floats(&[1], &[0.0]).len() % 64, 4);
    }

    #[test]
    fn each_type_and_byte_order_is_read() {
        let rows: [(&str, &[u8], f64); 15] = [
            ("<f2", &[0x00, 0x3c], 1.0),
            (">f2", &[0xc0, 0x00], -2.0),
            ("<f2", &[0xff, 0x7b], 65_504.0),
            ("<f2", &[0x01, 0x00], 2.0_f64.powi(-24)),
            ("<f2", &[0x00, 0x7c], f64::INFINITY),
            ("<f2", &[0x55, 0x35], 0.333_251_953_125),
            ("<f8", &(-0.1_f64).to_le_bytes(), -0.1),
            (">f8", &(-0.1_f64).to_be_bytes(), -0.1),
            (">f4", &0.5_f32.to_be_bytes(), 0.5),
            ("|i1", &[0xff], -1.0),
            ("<i2", &[0xfe, 0xff], -2.0),
            (">i4", &[0, 0, 1, 0], 256.0),
            ("<i8", &(-3_i64).to_le_bytes(), -3.0),
            ("|u1", &[0xff], 255.0),
            ("|b1", &[1], 1.0),
        ];
        for (descr, data, expected) in rows {
            let array = parse(&file(descr, "False", "(1,)", data)).unwrap();
            assert_eq!(array.values, Values::Numbers(vec![expected]), "{descr}");
        }
        let array = parse(&file("|S3", "False", "(2,)", b"ab\0xyz")).unwrap();
        assert_eq!(array.values, Values::Text(vec!["ab".into(), "xyz".into()]));
    }

    #[test]
    fn the_first_bytes_are_enough_to_know_the_length() {
        let whole = floats(&[2, 3], &[0.0; 6]);
        let first = &whole[..whole.len() - 24];
        assert_eq!(check_length(first, whole.len() as u64), Ok(()));
        let message = check_length(first, 1 << 40).unwrap_err();
        assert!(message.contains("[2, 3] with 4 bytes a value"), "{message}");
        assert!(check_length(first, 3).is_err());
    }

    #[test]
    fn text_is_no_array_of_numbers() {
        let message = parse_numbers(&text(&[1], &["a"])).unwrap_err();
        assert!(message.contains("it holds text"), "{message}");
        assert!(parse_numbers(&floats(&[1], &[0.5])).is_ok());
    }

    #[test]
    fn fortran_order_is_turned_into_c_order() {
        // Columns (1, 2), (3, 4), (5, 6) one after another.
        let array = parse(&file("|u1", "True", "(2, 3)", &[1, 2, 3, 4, 5, 6])).unwrap();
        assert_eq!(
            array.values,
            Values::Numbers(vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0])
        );
    }

    #[test]
    fn a_broken_file_is_refused_with_a_sentence() {
        let rows = [
            (
                b"PK\x03\x04".to_vec(),
                "the first bytes are not those of NumPy's",
            ),
            (MAGIC.to_vec(), "cut short"),
            ([MAGIC, &[9, 0, 0, 0]].concat(), "version is 9"),
            (
                file("|O", "False", "(1,)", &[0]),
                "values of type '|O' cannot be read",
            ),
            (
                file("<f4", "Maybe", "(1,)", &[0; 4]),
                "neither True nor False",
            ),
            (
                file("<f4", "False", "(x,)", &[0; 4]),
                "not a tuple of sizes",
            ),
            (
                file("<f4", "False", "(2,)", &[0; 4]),
                "does not fit the 4 bytes of data",
            ),
            (
                file("<f8", "False", "(4294967296, 4294967296, 4294967296)", &[]),
                "does not fit",
            ),
            (
                file("<f8", "True", "(0, 8589934592, 8589934592)", &[]),
                "does not fit",
            ),
            (
                [MAGIC, &[2, 0], &u32::MAX.to_le_bytes()].concat(),
                "the header is 4294967295 bytes long",
            ),
        ];
        for (bytes, expected) in rows {
            let message = parse(&bytes).unwrap_err();
            assert!(
                message.contains(expected),
                "expected «{expected}», got «{message}»"
            );
        }
    }

    proptest! {
        #[test]
        fn a_mutated_file_never_panics(
            mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = file(">f4", "True", "(2, 2)", &[0; 16]);
            for (place, byte) in mutations {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            let _ = parse(&bytes);
            bytes.truncate(cut.index(bytes.len()));
            let _ = parse(&bytes);
        }
    }
}
