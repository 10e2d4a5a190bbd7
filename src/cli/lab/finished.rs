//! What the lab has finished, and the places that it goes to.

use crate::lab::Outcome;
use crate::report::Sink;
use std::path::Path;

type Write = dyn Fn(&[Outcome], bool) -> anyhow::Result<()> + Send;
type Print = dyn Fn(&[Outcome]) -> anyhow::Result<()> + Send;

/// What is finished, and what is done with it.
pub(super) struct Finished {
    outcomes: Vec<Outcome>,
    /// Into files, whenever there is more, so that whatever ends this process leaves them; and whether that is
    /// all.
    write: Box<Write>,
    /// At the end, or when a wish to stop is not heard; none once it is done.
    print: Option<Box<Print>>,
}

impl Finished {
    pub(super) fn new(
        write: impl Fn(&[Outcome], bool) -> anyhow::Result<()> + Send + 'static,
        print: impl Fn(&[Outcome]) -> anyhow::Result<()> + Send + 'static,
    ) -> Self {
        Self {
            outcomes: Vec::new(),
            write: Box::new(write),
            print: Some(Box::new(print)),
        }
    }

    pub(super) fn push(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
        // What cannot be written is told at the end, when it is tried once more.
        let _ = (self.write)(&self.outcomes, false);
    }

    /// Writes and prints it, once; of nothing, no file is made.
    pub(super) fn deliver(&mut self) -> anyhow::Result<()> {
        let Some(print) = self.print.take() else {
            return Ok(());
        };
        let printed = print(&self.outcomes);
        let written = match self.outcomes.is_empty() {
            true => Ok(()),
            false => (self.write)(&self.outcomes, true),
        };
        printed.and(written)
    }
}

/// The whole of it, or what was there before. What is no file (a pipe) is written once, the last time.
pub(super) fn write(path: &Path, text: &str, is_last: bool) -> crate::Result<()> {
    if !is_last && path.metadata().is_ok_and(|there| !there.is_file()) {
        return Ok(());
    }
    Sink::fill(path, |sink| sink.write(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let finding = crate::lab::Finding {
            figures: Vec::new(),
            drawings: Vec::new(),
            verdict: crate::lab::Verdict::Holds,
            because: "it does".into(),
            parts: Vec::new(),
        };
        Outcome {
            name: "one",
            lecture: 26,
            slides: &[2],
            claim: "It does.",
            claimed: Default::default(),
            measured: Default::default(),
            verdict: finding.verdict,
            because: finding.because.clone(),
            parts: Vec::new(),
            seconds: 1.0,
            doubts: Vec::new(),
            peer: None,
            finding,
        }
    }

    #[test]
    fn what_is_finished_is_written_at_once_and_printed_once() {
        let (tell, told) = std::sync::mpsc::channel();
        let told = || told.try_iter().collect::<Vec<_>>();
        let finished = || {
            let (write, print) = (tell.clone(), tell.clone());
            let last = |is_last| if is_last { "written" } else { "written so far" };
            Finished::new(
                move |outcomes, is_last| Ok(write.send((last(is_last), outcomes.len()))?),
                move |outcomes| Ok(print.send(("printed", outcomes.len()))?),
            )
        };
        finished().deliver().unwrap();
        assert_eq!(told(), [("printed", 0)]);
        let mut one = finished();
        one.push(outcome());
        assert_eq!(told(), [("written so far", 1)]);
        one.deliver().unwrap();
        one.deliver().unwrap();
        assert_eq!(told(), [("printed", 1), ("written", 1)]);
    }
}
