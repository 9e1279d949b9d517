//! The program `ran`; [`ran::main`] is all of it.

use std::process::ExitCode;

/// Keeps the memory of large arrays for the next of their size, where the system's allocator would give it back and ask for
/// it again at every batch.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ran::main()
}
