//! How one value of an `.npy` file is stored.

const KINDS: &str = "f2, f4, f8, i1 to i8, u1 to u8, b1, U and S";

/// How one value is stored.
pub(super) struct Item {
    big_endian: bool,
    /// The letter of the type: `f`, `i`, `u`, `b`, `U` or `S`.
    kind: u8,
    pub(super) bytes: usize,
}

impl Item {
    /// Reads a header's `descr`.
    pub(super) fn parse(descr: &str) -> Result<Self, String> {
        let refused = || {
            let descr: String = descr.chars().take(20).collect();
            format!("values of type '{descr}' cannot be read; {KINDS} can")
        };
        let (order, rest) = descr.split_at_checked(1).ok_or_else(refused)?;
        let (kind, size) = rest.split_at_checked(1).ok_or_else(refused)?;
        let kind = kind.as_bytes()[0];
        let size: usize = size.parse().map_err(|_| refused())?;
        let known = match kind {
            b'f' => matches!(size, 2 | 4 | 8),
            b'i' | b'u' => matches!(size, 1 | 2 | 4 | 8),
            b'b' => size == 1,
            b'U' | b'S' => (1..1 << 20).contains(&size),
            _ => false,
        };
        if !known || !["<", ">", "|", "="].contains(&order) {
            return Err(refused());
        }
        let bytes = if kind == b'U' { 4 * size } else { size };
        Ok(Self {
            big_endian: order == ">",
            kind,
            bytes,
        })
    }

    /// Whether it is a string.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind, b'U' | b'S')
    }

    /// The value as little-endian bytes in the low end of eight.
    fn raw(&self, chunk: &[u8]) -> [u8; 8] {
        let mut raw = [0; 8];
        raw[..chunk.len()].copy_from_slice(chunk);
        if self.big_endian {
            raw[..chunk.len()].reverse();
        }
        raw
    }

    pub(super) fn number(&self, chunk: &[u8]) -> f64 {
        let raw = self.raw(chunk);
        let unsigned = u64::from_le_bytes(raw);
        match (self.kind, self.bytes) {
            (b'f', 2) => half(unsigned as u16),
            (b'f', 4) => f32::from_bits(unsigned as u32).into(),
            (b'f', _) => f64::from_le_bytes(raw),
            // Shifting the sign bit to the top and back extends it.
            (b'i', bytes) => ((unsigned << (64 - 8 * bytes)) as i64 >> (64 - 8 * bytes)) as f64,
            _ => unsigned as f64,
        }
    }

    pub(super) fn text(&self, chunk: &[u8]) -> String {
        let character = |bytes: &[u8]| {
            let point = u64::from_le_bytes(self.raw(bytes)) as u32;
            char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER)
        };
        let text: String = if self.kind == b'U' {
            chunk.chunks_exact(4).map(character).collect()
        } else {
            String::from_utf8_lossy(chunk).into_owned()
        };
        text.trim_end_matches('\0').to_string()
    }
}

/// The number that 16 bits stand for (IEEE 754, binary16): a sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match exponent {
        0 => fraction * 2.0_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2.0_f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn not_a_number_in_sixteen_bits_stays_none() {
        assert!(half(0x7e00).is_nan());
        assert_eq!(half(0xfc00), f64::NEG_INFINITY);
    }
}
