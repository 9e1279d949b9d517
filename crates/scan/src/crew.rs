//! Threads that compute a step together: how they come together, and how they wait for each other.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{hint, thread};

/// Threads that are to work at the same time, or not at all: those that wait for each other after every step must all be
/// running, and a pool that is busy elsewhere may have none to spare.
pub(crate) struct Crew {
    needed: usize,
    come: AtomicUsize,
    decision: AtomicU8,
}

const OPEN: u8 = 0;
const TOGETHER: u8 = 1;
const ALONE: u8 = 2;

/// How long the first of a crew waits for the others: some dozens of steps' time.
pub(crate) const PATIENCE: Duration = Duration::from_micros(300);

impl Crew {
    pub(crate) fn new(needed: usize) -> Self {
        Self {
            needed,
            come: AtomicUsize::new(0),
            decision: AtomicU8::new(OPEN),
        }
    }

    /// Waits until the others have come; false when they have not in time.
    pub(crate) fn assemble(&self, patience: Duration) -> bool {
        let start = Instant::now();
        while self.come.load(Ordering::Acquire) < self.needed && start.elapsed() < patience {
            hint::spin_loop();
        }
        let together = self.come.load(Ordering::Acquire) == self.needed;
        let decision = if together { TOGETHER } else { ALONE };
        self.decision.store(decision, Ordering::Release);
        together
    }

    /// Comes, and waits for the decision whether there is work.
    pub(crate) fn join(&self) -> bool {
        self.come.fetch_add(1, Ordering::AcqRel);
        loop {
            match self.decision.load(Ordering::Acquire) {
                OPEN => hint::spin_loop(),
                decision => return decision == TOGETHER,
            }
        }
    }
}

/// Where threads wait for each other after every step.
pub(crate) struct Barrier {
    arrived: AtomicU64,
    threads: u64,
    poisoned: AtomicBool,
}

impl Barrier {
    pub(crate) fn new(threads: usize) -> Self {
        Self {
            arrived: AtomicU64::new(0),
            threads: threads as u64,
            poisoned: AtomicBool::new(false),
        }
    }

    /// Waits until all threads have come here `times` times.
    pub(crate) fn wait(&self, times: u64) {
        self.arrived.fetch_add(1, Ordering::AcqRel);
        let mut spins = 0_u32;
        while self.arrived.load(Ordering::Acquire) < times * self.threads {
            assert!(
                !self.poisoned.load(Ordering::Relaxed),
                "another thread of the scan panicked"
            );
            spins += 1;
            // The others may have no processor of their own: after some microseconds, let them have this one.
            match spins.is_multiple_of(1 << 9) {
                true => thread::yield_now(),
                false => hint::spin_loop(),
            }
        }
    }
}

/// Frees those who wait, when a thread ends in a panic.
pub(crate) struct Poison<'a>(pub(crate) &'a Barrier);

impl Drop for Poison<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.poisoned.store(true, Ordering::Relaxed);
        }
    }
}
