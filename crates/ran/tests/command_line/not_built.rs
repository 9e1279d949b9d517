//! A backend that was not built.

use tempfile::TempDir;

use crate::{assert_sentence, experiment, files_below, run};

#[test]
fn a_backend_that_was_not_built_says_how_to_get_it() {
    let place = TempDir::new().unwrap();
    let outcome = run(place.path(), &experiment(&["--backend", "wgpu"]));
    assert_sentence(
        &outcome,
        &["wgpu", "cargo build --package ran --features wgpu"],
    );
    assert!(files_below(place.path()).is_empty());
}
