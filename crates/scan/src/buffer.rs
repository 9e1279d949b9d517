//! Slices that start at a cache line.

/// Numbers whose first lies at a multiple of 64 bytes, so that no vector straddles two lines.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    numbers: Vec<f32>,
    start: usize,
    len: usize,
}

impl Clone for Buffer {
    /// The copy begins at a cache line of its own.
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len);
        copy.get_mut().copy_from_slice(self.get());
        copy
    }
}

impl Buffer {
    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let numbers = vec![0.0; len + LINE];
        let start = numbers
            .as_ptr()
            .align_offset(LINE * size_of::<f32>())
            .min(LINE);
        Self {
            numbers,
            start,
            len,
        }
    }

    /// The numbers.
    pub(crate) fn get(&self) -> &[f32] {
        &self.numbers[self.start..][..self.len]
    }

    pub(crate) fn get_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[self.start..][..self.len]
    }
}

/// Single-precision numbers in a cache line.
const LINE: usize = 16;
