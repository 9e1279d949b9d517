//! The command `ran`.
fn main() {}
