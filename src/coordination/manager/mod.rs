//! Dictionaries and lists of any values, held by a server process: the flexible, slow end.
//!
//! Every access is a message to the server and its answer, some tens of microseconds: right for
//! what is looked at once a task and has a varying shape, wrong for what is counted in a loop.
//!
//! The server is this executable, started again, so its `main` must begin with
//! [`Manager::serve`]:
//!
//! ```no_run
//! use framehaul::coordination::Manager;
//! fn main() -> framehaul::Result<()> {
//!     Manager::serve(); // does not return in the server
//!     let manager = Manager::start()?;
//!     let (seen, log) = (manager.dict(), manager.list()); // both may be sent to any process
//!     seen.set("clip.y4m", &(3840, 2160))?;
//!     seen.add("frames", 30)?;
//!     log.push(&format!("{} keys", seen.len()?))?;
//!     assert_eq!(seen.get::<(u32, u32)>("clip.y4m")?, Some((3840, 2160)));
//!     assert_eq!(log.get::<String>(0)?.as_deref(), Some("2 keys"));
//!     Ok(())
//! }
//! ```
//!
//! It is reached through a socket in the abstract namespace, which leaves no file behind: by
//! processes of the same user, in the same network namespace. It ends with its [`Manager`], and
//! also when the process that started it is killed; proxies then get an error.

mod client;
mod protocol;
mod proxies;
mod server;

pub use protocol::LARGEST as LARGEST_VALUE;
pub use proxies::{Dict, List};

use crate::error::{Error, Result};
use crate::sys::process::{self, Process, Surroundings};
use crate::sys::socket;
use client::Client;
use proxies::Proxy;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

/// The first argument that turns this executable into the server.
const ENTRY: &str = "__framehaul_manager";

/// The owner of a server process that holds dictionaries and lists; dropping it ends the server.
#[derive(Debug)]
pub struct Manager {
    client: Arc<Client>,
    process: Arc<Process>,
    /// Started the server, which the kernel kills when this thread ends, and waits for its end.
    keeper: Option<JoinHandle<()>>,
    made: AtomicU32,
}

impl Manager {
    /// Starts the server: this executable again, through a hidden entry; some milliseconds.
    ///
    /// # Errors
    /// If it cannot be started, or if this program's `main` does not begin with
    /// [`Manager::serve`].
    pub fn start() -> Result<Self> {
        // A program without the entry, started as server, must not start a server of its own.
        if std::env::args_os()
            .nth(1)
            .is_some_and(|first| first == ENTRY)
        {
            return Err(no_entry());
        }
        let failed =
            |error| Error::Failed(format!("the manager's server cannot be started: {error}"));
        let name = random_name().map_err(failed)?;
        // It listens before the server exists, so that nobody can come too early.
        let address = SocketAddr::from_abstract_name(&name).map_err(failed)?;
        let listener = UnixListener::bind_addr(&address).map_err(failed)?;
        let (tell, told) = std::sync::mpsc::channel();
        let keep = move || {
            let args = [ENTRY, &listener.as_raw_fd().to_string()];
            let started = process::spawn(
                Path::new("/proc/self/exe"),
                args,
                &Surroundings::default(),
                Some(listener.as_fd()),
            );
            // The server alone listens from now on: connecting fails as soon as it is gone.
            drop(listener);
            let started = started.map(Arc::new);
            let process = started.as_ref().ok().cloned();
            let _ = tell.send(started);
            if let Some(process) = process {
                let _ = process.wait();
            }
        };
        let keeper = std::thread::Builder::new().name("manager".into());
        let keeper = keeper.spawn(keep).map_err(failed)?;
        let process = told
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that starts it has panicked")))
            .map_err(failed)?;
        let manager = Self {
            client: Client::of(name),
            process,
            keeper: Some(keeper),
            made: AtomicU32::new(0),
        };
        manager.client.greet().map_err(|_| no_entry())?;
        Ok(manager)
    }

    /// In the server process: serves until it is killed. Anywhere else: nothing.
    pub fn serve() {
        let mut args = std::env::args().skip(1);
        if args.next().as_deref() != Some(ENTRY) {
            return;
        }
        let listener = args
            .next()
            .and_then(|fd| fd.parse().ok())
            .and_then(|fd| socket::inherited_listener(fd).ok());
        let Some(listener) = listener else {
            eprintln!("this is the entry of a manager's server; it is not for use by hand");
            std::process::exit(2);
        };
        server::run(&listener)
    }

    /// A new, empty dictionary, which exists as long as the manager. Costs nothing until it is
    /// used.
    pub fn dict(&self) -> Dict {
        Dict(self.proxy())
    }

    /// A new, empty list, which exists as long as the manager. Costs nothing until it is used.
    pub fn list(&self) -> List {
        List(self.proxy())
    }

    fn proxy(&self) -> Proxy {
        Proxy {
            client: self.client.clone(),
            // Relaxed: the number need only be another each time.
            number: self.made.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.process.kill();
        if let Some(keeper) = self.keeper.take() {
            // Ends with the server, which it reaps.
            let _ = keeper.join();
        }
    }
}

fn no_entry() -> Error {
    Error::Failed(
        "the manager's server does not answer: this program's main must begin with \
         framehaul::coordination::Manager::serve()"
            .into(),
    )
}

/// A name that nobody else can guess or has.
fn random_name() -> io::Result<String> {
    let mut random = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(format!("framehaul-{:032x}", u128::from_le_bytes(random)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test program's `main` is not ours, so the server's is not either.
    #[test]
    fn a_program_without_the_entry_is_told_what_to_add() {
        let said = Manager::start().unwrap_err().to_string();
        assert!(said.contains("Manager::serve()"), "{said}");
    }
}
