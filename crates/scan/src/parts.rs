//! Slices in named parts: the function that counts their lengths is the one that cuts them.
//!
//! A kernel has one function per slice that takes part after part and returns them under their names. Given a
//! [`Count`], it says how much room is needed; given the slice, it cuts it.
//!
//! ```
//! use ran_scan::parts::{Parts, length};
//!
//! struct Room<P> {
//!     hidden: P,
//!     scales: P,
//! }
//!
//! fn room<P: Parts>(rows: usize, width: usize, parts: &mut P) -> Room<P::Part> {
//!     Room {
//!         hidden: parts.part(rows * width),
//!         scales: parts.part(rows),
//!     }
//! }
//!
//! let len = length(|count| {
//!     room(2, 3, count);
//! });
//! let mut numbers = vec![0.0; len];
//! let room = room(2, 3, &mut &mut numbers[..]);
//! assert_eq!((room.hidden.len(), room.scales.len()), (6, 2));
//! ```

/// Where parts come from.
pub trait Parts {
    /// A part.
    type Part;

    /// The next `len` entries.
    ///
    /// # Panics
    ///
    /// Fewer are left: the slice was made for other parts.
    fn part(&mut self, len: usize) -> Self::Part;
}

/// Counts the entries of all parts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count(usize);

impl Parts for Count {
    type Part = ();

    fn part(&mut self, len: usize) {
        self.0 += len;
    }
}

/// The entries of all parts that `take` takes.
pub fn length(take: impl FnOnce(&mut Count)) -> usize {
    let mut count = Count::default();
    take(&mut count);
    count.0
}

impl<'a, T> Parts for &'a mut [T] {
    type Part = &'a mut [T];

    #[inline(always)]
    fn part(&mut self, len: usize) -> &'a mut [T] {
        let (front, rest) = std::mem::take(self).split_at_mut(len);
        *self = rest;
        front
    }
}

/// Sums of weight gradients after the last step: each entry is a vector, of `lanes` numbers.
#[derive(Clone, Copy, Debug)]
pub struct LaneSums<'a> {
    /// What is left of the numbers.
    pub sums: &'a [f32],
    /// Numbers of a vector.
    pub lanes: usize,
}

impl<'a> Parts for LaneSums<'a> {
    type Part = &'a [f32];

    fn part(&mut self, len: usize) -> &'a [f32] {
        let (front, rest) = self.sums.split_at(len * self.lanes);
        self.sums = rest;
        front
    }
}
