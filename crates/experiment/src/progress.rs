//! Progress and warnings, on standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use ran_experiment::{Notice, Seeds};
use ran_learning::{Epoch, Event};

/// A progress bar where standard error is a terminal; where it is not, only warnings are told.
pub(crate) struct Progress {
    bar: ProgressBar,
    seeds: u64,
    begun: u64,
    /// The epoch that is shown, and what the one before it came to.
    epoch: usize,
    last: String,
}

impl Progress {
    pub(crate) fn new(seeds: &Seeds) -> Self {
        // indicatif draws on standard error, and not at all where that is no terminal.
        let bar = ProgressBar::no_length();
        let style =
            ProgressStyle::with_template("{spinner} {prefix}: {msg} {wide_bar} {pos}/{len}");
        bar.set_style(style.expect("the template is valid"));
        Self {
            bar,
            seeds: seeds.count(),
            begun: 0,
            epoch: 0,
            last: String::new(),
        }
    }

    /// Shows what happens.
    pub(crate) fn show(&mut self, notice: &Notice<'_>) {
        match notice {
            Notice::Seed(seed) => {
                self.begun += 1;
                self.epoch = 0;
                self.last.clear();
                let prefix = format!("seed {seed} ({} of {})", self.begun, self.seeds);
                self.bar.set_prefix(prefix);
                self.bar.set_message("loading");
                self.bar.enable_steady_tick(Duration::from_millis(200));
            }
            Notice::Learning(Event::States { done, of }) => {
                self.bar.set_message("states");
                self.bar.set_length(*of as u64);
                self.bar.set_position(*done as u64);
            }
            Notice::Learning(Event::Step { epoch, done, of }) => {
                self.bar.set_length(*of as u64);
                self.bar.set_position(*done as u64);
                if self.epoch != *epoch {
                    self.epoch = *epoch;
                    self.bar.set_message(format!("epoch {epoch}{}", self.last));
                }
            }
            Notice::Learning(Event::Epoch(epoch)) => self.last = text(epoch),
            Notice::Learning(Event::Fitting) => self.bar.set_message("fitting the readout"),
            Notice::Learning(Event::Judging) => self.bar.set_message("judging"),
            Notice::Record(record, _) => {
                for warning in &record.warnings {
                    self.tell(&format!("warning: seed {}: {warning}", record.seed));
                }
            }
            Notice::Folder(_) => {}
        }
    }

    /// Clears the bar's line, so that standard output can be written to the same terminal.
    pub(crate) fn hide(&self) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
        self.bar.reset();
    }

    /// Says something.
    pub(crate) fn tell(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

/// What an epoch came to, in a few words.
fn text(epoch: &Epoch) -> String {
    let valid = epoch.valid.map(|valid| format!(", valid {valid:.4}"));
    format!(
        " of {} (loss {:.4}, train {:.4}{})",
        epoch.epochs,
        epoch.loss,
        epoch.train,
        valid.unwrap_or_default()
    )
}
