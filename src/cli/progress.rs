//! A run's progress on a terminal; nothing where standard error is none.

use super::live::Live;
use crate::pipeline::{Gauge, Watch};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Shows a few lines on standard error while a run goes on, and wipes them.
pub(super) struct Progress {
    bar: ProgressBar,
    /// Which pass goes on: `mmap, pass 2 of 3`.
    title: String,
    /// What goes on is looked at whenever it is drawn, rather than told.
    is_live: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        // Nothing to show yet: the default would be an empty bar.
        let bar = ProgressBar::no_length().with_style(ProgressStyle::default_spinner());
        // It takes a thread, which there may be none for.
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self::of(bar)
    }

    /// Shows nothing, wherever it is.
    pub(super) fn quiet() -> Self {
        Self::of(ProgressBar::hidden())
    }

    fn of(bar: ProgressBar) -> Self {
        Self {
            bar,
            title: String::new(),
            is_live: false,
        }
    }

    /// Writes something to the terminal while nothing of the lines is there.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    fn show(&self, template: &str, message: String) {
        let style = ProgressStyle::with_template(template);
        // The templates are the constants below.
        self.bar
            .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar.set_message(message);
    }
}

impl Watch for Progress {
    fn phase(&mut self, what: &str) {
        self.show("{spinner} {msg} …", what.to_owned());
    }

    fn pass(&mut self, mode: &str, pass: usize, passes: usize, frames: Option<u64>) {
        self.bar.reset();
        self.is_live = false;
        self.title = if passes > 1 {
            format!("{mode}, pass {pass} of {passes}")
        } else {
            mode.to_owned()
        };
        let title = self.title.clone();
        match frames {
            Some(frames) => {
                self.bar.set_length(frames);
                self.show("{msg} {wide_bar} {pos}/{len} frames, {eta} left", title);
            }
            None => {
                self.bar.unset_length();
                self.show(
                    "{msg:24} {spinner} {pos} frames, {per_sec:.1}, {elapsed}",
                    title,
                );
            }
        }
    }

    fn progress(&mut self, ended: u64) {
        if !self.is_live {
            self.bar.set_position(ended);
        }
    }

    fn begun(&mut self, gauge: &Gauge) {
        if self.bar.is_hidden() {
            return;
        }
        let live = Arc::new(Mutex::new(Live::new(gauge, self.title.clone())));
        let draw = move |_: &ProgressState, to: &mut dyn Write| {
            let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
            // Into a text of the bar's own.
            let _ = to.write_str(live.draw(width()));
        };
        // A name in braces, as it must be.
        if let Ok(style) = ProgressStyle::with_template("{live}") {
            self.is_live = true;
            self.bar.set_style(style.with_key("live", draw));
        }
    }
}

/// Columns of the terminal that standard error is.
fn width() -> usize {
    let size = terminal_size::terminal_size_of(std::io::stderr());
    size.map_or(80, |(width, _)| usize::from(width.0))
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
