//! One program for all tests of the reservoir, since burn's generic code is compiled anew for each.

#![allow(missing_docs, reason = "a test crate")]

mod fused;
mod own_kind;
mod own_unit;
mod roles;
mod streaming;
mod wrong_fields;

use ran_compiled as _;

use std::sync::{Mutex, MutexGuard};

/// burn 0.21 loses gradients when several threads run the backward passes of graphs of their own at once.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
