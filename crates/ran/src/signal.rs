//! Ctrl-C, and the system's wish that the program end.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::INTERRUPTED;

/// Becomes true at Ctrl-C, or when the system asks the program to end. A second Ctrl-C ends it at once.
pub(crate) fn stop_on_signal() -> anyhow::Result<&'static AtomicBool> {
    static STOP: AtomicBool = AtomicBool::new(false);
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    })?;
    Ok(&STOP)
}
