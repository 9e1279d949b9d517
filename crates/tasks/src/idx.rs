//! The idx format of MNIST: a magic number, sizes, bytes.

use ndarray::Array3;

const IMAGES: u32 = 0x0803;
const LABELS: u32 = 0x0801;

/// The images of an idx file, `[count, height, width]`; the error says what is wrong, without the file's name.
pub(crate) fn images(bytes: &[u8]) -> Result<Array3<u8>, String> {
    let ([count, height, width], data) = sized(bytes, IMAGES, "images")?;
    if count == 0 || height == 0 || width == 0 {
        return Err(format!(
            "it holds {count} images of {height} by {width} pixels; each must be at least 1"
        ));
    }
    Array3::from_shape_vec((count, height, width), data.to_vec()).map_err(|error| error.to_string())
}

/// The labels of an idx file, each below `classes`.
pub(crate) fn labels(bytes: &[u8], classes: u8) -> Result<Vec<u8>, String> {
    let ([_], data) = sized(bytes, LABELS, "labels")?;
    match data.iter().position(|&label| label >= classes) {
        Some(place) => Err(format!(
            "label {place} is {}; labels are 0 to {}",
            data[place],
            classes - 1
        )),
        None => Ok(data.to_vec()),
    }
}

/// How many bytes an idx file has in all, by its first bytes; no more than these where they are no header.
pub(crate) fn length(head: &[u8]) -> u64 {
    let magic = number(head, 0).filter(|magic| [IMAGES, LABELS].contains(magic));
    let axes = magic.map(|magic| magic & 0xff);
    let length = axes.and_then(|axes| {
        let sizes = (1..=axes as usize).map(|axis| number(head, axis).map(u64::from));
        let product = sizes.reduce(|a, b| a?.checked_mul(b?))??;
        product.checked_add(4 * (u64::from(axes) + 1))
    });
    length.unwrap_or(head.len() as u64)
}

/// The number of four bytes at a place of the header, counted in such numbers.
fn number(bytes: &[u8], place: usize) -> Option<u32> {
    let four = bytes.get(4 * place..)?.first_chunk()?;
    Some(u32::from_be_bytes(*four))
}

/// The sizes and the bytes behind them, whose number is the product of the sizes.
fn sized<'a, const N: usize>(
    bytes: &'a [u8],
    magic: u32,
    what: &str,
) -> Result<([usize; N], &'a [u8]), String> {
    let number =
        |place| number(bytes, place).ok_or("the file ends within the header; it is cut short");
    let found = number(0)?;
    if found != magic {
        return Err(format!(
            "the file begins with {found:#010x}; an idx file of {what} begins with {magic:#010x}"
        ));
    }
    let mut sizes = [0; N];
    for (axis, size) in sizes.iter_mut().enumerate() {
        *size = number(axis + 1)? as usize;
    }
    let data = &bytes[4 * (N + 1)..];
    let needed = sizes
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size));
    if needed != Some(data.len()) {
        return Err(format!(
            "the sizes {sizes:?} do not fit the {} bytes of data; the file is cut short or broken",
            data.len()
        ));
    }
    Ok((sizes, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    #[test]
    fn images_and_labels_are_read() {
        let bytes = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4];
        assert_eq!(images(&bytes).unwrap(), array![[[1, 2], [3, 4]]]);
        assert_eq!(labels(&[0, 0, 8, 1, 0, 0, 0, 2, 7, 9], 10).unwrap(), [7, 9]);
    }

    #[test]
    fn a_broken_file_is_refused_with_a_sentence() {
        let rows: [(&[u8], &str); 4] = [
            (&[0, 0], "ends within the header"),
            (
                &[0, 0, 8, 3, 0, 0, 0, 0],
                "begins with 0x00000803; an idx file of labels begins with 0x00000801",
            ),
            (
                &[0, 0, 8, 1, 0, 0, 0, 2, 7],
                "do not fit the 1 bytes of data",
            ),
            (
                &[0, 0, 8, 1, 0, 0, 0, 1, 10],
                "label 0 is 10; labels are 0 to 9",
            ),
        ];
        for (bytes, expected) in rows {
            let message = labels(bytes, 10).unwrap_err();
            assert!(
                message.contains(expected),
                "expected «{expected}», got «{message}»"
            );
        }
        assert!(
            images(&[
                0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255
            ])
            .is_err()
        );
        assert!(
            images(&[0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1])
                .unwrap_err()
                .contains("at least 1")
        );
    }

    #[test]
    fn the_first_bytes_say_how_long_a_file_is() {
        let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28, 1, 2];
        assert_eq!(length(&images), 16 + 2 * 28 * 28);
        assert_eq!(length(&[0, 0, 8, 1, 0, 0, 0, 7]), 8 + 7);
        assert_eq!(length(b"garbled"), 7);
        let huge = [&[0, 0, 8, 3][..], &[255; 12]].concat();
        assert_eq!(
            length(&huge),
            16,
            "a product that no number holds announces nothing"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..40), kind in 0..5u8) {
            let bytes = [&[0, 0, 8, kind], tail.as_slice()].concat();
            let _ = (length(&bytes), images(&bytes), labels(&bytes, 10), images(&tail), labels(&tail, 10));
        }
    }
}
