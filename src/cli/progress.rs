//! A run's progress on a terminal; nothing where standard error is none.

use crate::pipeline::Watch;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// Shows one line on standard error while a run goes on, and wipes it.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new() -> Self {
        // Nothing to show yet: the default would be an empty bar.
        let bar = ProgressBar::no_length().with_style(ProgressStyle::default_spinner());
        // It takes a thread, which there may be none for.
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self(bar)
    }

    /// Writes something to the terminal while nothing of the line is there.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    fn show(&self, template: &str, message: String) {
        let style = ProgressStyle::with_template(template);
        // The templates are the constants below.
        self.0
            .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.0.set_message(message);
    }
}

impl Watch for Progress {
    fn phase(&mut self, what: &str) {
        self.show("{spinner} {msg} …", what.to_owned());
    }

    fn pass(&mut self, mode: &str, pass: usize, passes: usize, frames: Option<u64>) {
        self.0.reset();
        let which = if passes > 1 {
            format!("{mode}, pass {pass} of {passes}")
        } else {
            mode.to_owned()
        };
        match frames {
            Some(frames) => {
                self.0.set_length(frames);
                self.show(
                    "{msg:24} {bar:30} {pos}/{len} frames, {per_sec:.1}, {eta} left",
                    which,
                );
            }
            None => {
                self.0.unset_length();
                self.show(
                    "{msg:24} {spinner} {pos} frames, {per_sec:.1}, {elapsed}",
                    which,
                );
            }
        }
    }

    fn progress(&mut self, ended: u64) {
        self.0.set_position(ended);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
