//! What trials begin with, where that is a file: a sweep's folder keeps a copy.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the best points' trials, in that of their sweep.
pub(crate) const FINAL: &str = "final";

/// What trials begin with: a preset's name, or the path of the copy of a file that a sweep's folder keeps.
pub(crate) fn base_in(base: &str, sweep: &Path) -> String {
    let kept = kept_base(base, sweep);
    match kept.exists() {
        true => kept.to_string_lossy().into_owned(),
        false => base.into(),
    }
}

/// What the trials of a stage begin with. Its folder may have been moved, or is named from elsewhere, since that was written down.
pub(crate) fn base_of_stage(base: &str, stage: &Path) -> String {
    let base = base_in(base, stage);
    match stage.parent().filter(|_| stage.ends_with(FINAL)) {
        Some(sweep) => base_in(&base, sweep),
        None => base,
    }
}

/// Where a sweep's folder keeps the file that trials begin with.
pub(crate) fn kept_base(base: &str, sweep: &Path) -> PathBuf {
    let name = Path::new(base).file_name().unwrap_or_default();
    sweep.join("base").join(name)
}

/// Whether a folder's trials begin with a base of this text, or with a preset.
pub(crate) fn is_kept(base: &str, text: Option<&str>, folder: &Path) -> bool {
    let kept = kept_base(base, folder);
    !kept.exists() || fs::read(kept).ok().as_deref() == text.map(str::as_bytes)
}
