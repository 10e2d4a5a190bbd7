//! Ctrl-C: once to drain, twice to kill.

use super::core::Core;
use super::{Pack, Shutdown, mark_own_thread};
use crate::error::{Error, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use std::sync::Arc;
use std::thread::JoinHandle;

/// A thread that waits for signals until this is dropped.
pub(super) struct Listener {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

pub(super) fn listen<P: Pack>(core: &Arc<Core<P>>) -> Result<Listener> {
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Error::Failed(format!("cannot listen for Ctrl-C: {error}")))?;
    let handle = signals.handle();
    let number = core.number;
    // Weak: a listener keeps no pool alive.
    let core = Arc::downgrade(core);
    let listen = move || {
        mark_own_thread(number);
        let ways = [Shutdown::Drain, Shutdown::Kill];
        for (_, how) in signals.forever().zip(ways) {
            if let Some(core) = core.upgrade() {
                core.shutdown(how);
            }
        }
    };
    let thread = std::thread::Builder::new().spawn(listen);
    let thread = thread
        .map_err(|error| Error::Failed(format!("cannot listen for Ctrl-C: no thread: {error}")))?;
    Ok(Listener {
        handle,
        thread: Some(thread),
    })
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
