//! Progress and warnings, on standard error: a dashboard on a terminal, plain lines elsewhere.

mod lines;
mod sparkline;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ran_experiment::Notice;
use ran_learning::{Epoch, Event};

use crate::table;
use lines::Lines;
use sparkline::sparkline;

/// Shows how a run goes.
///
/// On a terminal it is a bar with the time left, and in training by gradient, below it, what the last epoch came to and
/// how the loss has gone. Elsewhere, training by gradient has a line now and then, and nothing else has any.
pub(crate) struct Progress {
    bar: ProgressBar,
    lines: Option<Lines>,
    /// What is in front of the epoch: the seed.
    prefix: String,
    /// The epoch that is shown, and the loss of those before it.
    epoch: usize,
    losses: Vec<f64>,
    /// The best epoch's score.
    best: Option<f64>,
    /// What was said of the whole run, and need not be said of each seed.
    said: Vec<String>,
}

/// How many blocks the history of the loss has.
const SPARKS: usize = 48;

/// A bar of what has no epochs.
const PHASE: &str = "{spinner} {prefix}: {msg} {wide_bar} {pos}/{len}";
/// The bar of training by gradient, and its dashboard.
const TRAINING: &str = "{spinner} {prefix} {wide_bar} {eta} left{msg}";

/// Whether standard error is a terminal whose lines can be drawn again, without which indicatif draws nothing.
pub(crate) fn is_drawn_on() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
    io::stderr().is_terminal() && !dumb
}

/// Where a bar is drawn: nowhere where it is to be quiet, or nothing can be drawn again.
pub(crate) fn draw_target(quiet: bool) -> ProgressDrawTarget {
    match quiet || !is_drawn_on() {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    }
}

impl Progress {
    /// Warnings alone are told where it is to be quiet.
    pub(crate) fn new(quiet: bool) -> Self {
        let lines = (!quiet && !is_drawn_on()).then(Lines::default);
        Self::on(draw_target(quiet), lines)
    }

    fn on(target: ProgressDrawTarget, lines: Option<Lines>) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style(PHASE));
        Self {
            bar,
            lines,
            prefix: String::new(),
            epoch: 0,
            losses: Vec::new(),
            best: None,
            said: Vec::new(),
        }
    }

    /// Shows what happens.
    pub(crate) fn show(&mut self, notice: &Notice<'_>) {
        match notice {
            Notice::Seed { seed, before, of } => {
                self.epoch = 0;
                self.losses.clear();
                self.best = None;
                if let Some(lines) = &mut self.lines {
                    lines.seed(*seed, *before, *of);
                }
                self.bar.reset();
                self.prefix = format!("seed {seed} ({} of {of})", before + 1);
                self.phase("loading");
                self.bar.enable_steady_tick(Duration::from_millis(200));
            }
            Notice::Learning(event) => self.learning(*event),
            Notice::Record(record, _) => {
                let warnings = record.report.warnings.iter();
                for warning in warnings.filter(|warning| !self.said.contains(warning)) {
                    self.tell(&format!("warning: seed {}: {warning}", record.seed));
                }
            }
            Notice::Warning(warning) => {
                self.tell(&format!("warning: {warning}"));
                self.said.push((*warning).into());
            }
            Notice::Folder(_) => {}
        }
    }

    fn learning(&mut self, event: Event) {
        match event {
            Event::States { done, of } => {
                if done == 1 {
                    self.phase("states");
                }
                self.bar.set_length(of as u64);
                self.bar.set_position(done as u64);
            }
            Event::Step {
                epoch,
                epochs,
                done,
                of,
            } => self.step(epoch, epochs, done, of),
            Event::Epoch(epoch) => {
                self.losses.push(epoch.loss);
                if epoch.best == Some(epoch.epoch) {
                    self.best = epoch.valid;
                }
                self.bar.set_message(self.dashboard(&epoch));
                let line = self.lines.as_ref();
                let line = line.and_then(|lines| lines.epoch(&epoch, self.best));
                if let Some(line) = line {
                    self.tell(&line);
                }
            }
            Event::Fitting => self.phase("fitting the readout"),
            Event::Judging => self.phase("judging"),
        }
    }

    fn step(&mut self, epoch: usize, epochs: usize, done: usize, of: usize) {
        if let Some(lines) = &mut self.lines {
            lines.step(epoch);
        }
        let first = self.epoch == 0;
        if self.epoch != epoch {
            self.epoch = epoch;
            let prefix = format!("{}: epoch {epoch} of {epochs}", self.prefix);
            self.bar.set_prefix(prefix);
        }
        if first {
            self.bar.set_message("");
            self.bar.set_style(style(TRAINING));
            self.bar.set_length((epochs * of) as u64);
        }
        self.bar.set_position(((epoch - 1) * of + done) as u64);
        if first {
            // What a checkpoint had was not done just now.
            self.bar.reset_eta();
        }
    }

    /// One of the parts of a seed's work that have no epochs.
    fn phase(&self, name: &'static str) {
        // Each change is drawn: the dashboard's lines go before their place does.
        self.bar.set_message(name);
        self.bar.set_prefix(self.prefix.clone());
        self.bar.set_style(style(PHASE));
    }

    /// The lines below the bar: the last epoch, and the loss of all.
    fn dashboard(&self, epoch: &Epoch) -> String {
        let text = lines::text(epoch, self.best);
        let first = self.losses.first().copied().unwrap_or(f64::NAN);
        format!(
            "\n  {text}\n  loss {} {} {}",
            table::number(first),
            sparkline(&self.losses, SPARKS),
            table::number(epoch.loss)
        )
    }

    /// Clears the bar's lines, so that standard output can be written to the same terminal.
    pub(crate) fn hide(&self) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
    }

    /// Says something.
    pub(crate) fn tell(&self, line: &str) {
        // Nobody may be listening, which is no reason to stop.
        self.bar.suspend(|| drop(writeln!(io::stderr(), "{line}")));
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.expect("the template is valid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::TermLike;
    use std::sync::{Arc, Mutex};

    /// A terminal that keeps all that was ever written to it.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl Paper {
        fn text(&self) -> String {
            self.0.lock().unwrap().clone()
        }
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            120
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(&format!("{text}\n"))
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A training of two epochs of ten, on a terminal.
    fn shown() -> (Progress, Paper) {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        let mut progress = Progress::on(target, None);
        let (seed, before, of) = (3, 0, 2);
        progress.show(&Notice::Seed { seed, before, of });
        for (epoch, loss, valid) in [(1, 2.0, 0.5), (2, 0.25, 0.75)] {
            let (epochs, done, of) = (10, 1, 1);
            let step = Event::Step {
                epoch,
                epochs,
                done,
                of,
            };
            progress.show(&Notice::Learning(step));
            progress.show(&Notice::Learning(Event::Epoch(Epoch {
                epoch,
                epochs,
                learning_rate: 0.01,
                loss,
                train: 0.625,
                valid_loss: None,
                valid: Some(valid),
                best: Some(epoch),
            })));
        }
        // Whatever has waited for its turn is drawn now.
        progress.bar.suspend(|| ());
        (progress, paper)
    }

    #[test]
    fn a_terminal_shows_the_epoch_the_time_left_the_scores_and_the_loss() {
        let (_, paper) = shown();
        let text = paper.text();
        for expected in [
            "seed 3 (1 of 2): epoch 2 of 10",
            " left",
            "loss 0.2500, train 0.6250, valid 0.7500, best epoch 2 (0.7500), learning rate 1.00e-2",
            "loss 2.0000 █▁ 0.2500",
        ] {
            assert!(
                text.contains(expected),
                "{expected:?} is missing from: {text}"
            );
        }
    }

    #[test]
    fn the_next_part_of_the_work_takes_the_dashboard_away() {
        let (mut progress, paper) = shown();
        progress.show(&Notice::Learning(Event::Judging));
        let before = paper.text().len();
        progress.bar.suspend(|| ());
        let text = &paper.text()[before..];
        assert!(text.contains("seed 3 (1 of 2): judging"), "{text}");
        assert!(!text.contains("loss"), "{text}");
    }
}
