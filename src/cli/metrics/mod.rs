//! `--metrics ADDR`: how a run stands, for Prometheus, while it goes on.
//!
//! Nothing is counted for it: whoever asks has the run's gauge read. It is served on the loopback
//! address alone, in plain text, until the run ends.

mod counts;
mod http;
mod page;

use self::counts::Counts;
use self::http::Server;
use self::page::{Now, Page};
use crate::error::{Error, Result};
use crate::pipeline::{Gauge, Reading, Watch};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Serves the metrics of a run until it is dropped.
pub(super) struct Metrics {
    board: Arc<Board>,
    server: Server,
}

/// What is served.
#[derive(Default)]
struct Board {
    /// What is run.
    input: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of passes that are over, by mode.
    past: Vec<(&'static str, Counts)>,
    /// Of the pass that goes on.
    gauge: Option<Gauge>,
}

impl Metrics {
    /// Begins to serve on a loopback address; port 0 is any that is free.
    ///
    /// # Errors
    /// If it cannot be had.
    pub(super) fn start(address: SocketAddr, input: &str) -> Result<Self> {
        let board = Arc::new(Board {
            input: input.to_owned(),
            ..Board::default()
        });
        let shown = board.clone();
        let server = Server::start(address, move || shown.page());
        let server = server.map_err(|error| {
            Error::Usage(format!("--metrics {address}: cannot listen there: {error}"))
        })?;
        Ok(Self { board, server })
    }

    /// Where it is: `http://127.0.0.1:9184/metrics`.
    pub(super) fn url(&self) -> String {
        format!("http://{}{}", self.server.address(), http::PATH)
    }
}

impl Watch for Metrics {
    fn begun(&mut self, gauge: &Gauge) {
        self.board.lock().gauge = Some(gauge.clone());
    }

    fn over(&mut self, gauge: &Gauge) {
        let mut state = self.board.lock();
        state.add(gauge);
        state.gauge = None;
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn page(&self) -> String {
        let state = self.lock();
        let mut counts = State {
            past: state.past.clone(),
            gauge: None,
        };
        let gauge = state.gauge.as_ref();
        let now = gauge.and_then(|gauge| Some(Now::of(gauge, counts.add(gauge)?)));
        drop(state);
        Page::new(&self.input, &counts.past, now.as_ref()).text()
    }
}

impl State {
    /// Adds what a gauge has counted, if its pass counts; returns how it stands, unless it is over.
    fn add(&mut self, gauge: &Gauge) -> Option<Reading> {
        let (counts, reading) = Counts::of(gauge).unzip();
        let counts = counts.filter(|_| gauge.is_measured()).unwrap_or_default();
        let mode = gauge.mode();
        match self.past.iter_mut().find(|(known, _)| *known == mode) {
            Some((_, past)) => past.add(&counts),
            None => self.past.push((mode, counts)),
        }
        reading
    }
}

/// An address to serve on, as it is typed.
pub(super) fn address(text: &str) -> std::result::Result<SocketAddr, String> {
    let local = text.strip_prefix("localhost:");
    let local = local.map(|port| format!("{}:{port}", Ipv4Addr::LOCALHOST));
    let address: SocketAddr = local.as_deref().unwrap_or(text).parse().map_err(|_| {
        "expected an address and a port, as 127.0.0.1:9184 or [::1]:0 (0: any port)".to_owned()
    })?;
    if !address.ip().is_loopback() {
        return Err(
            "only a loopback address is served (127.0.0.1 or [::1]): whoever is to reach it from \
             elsewhere needs a proxy in front of it"
                .into(),
        );
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_alone_are_taken() {
        for good in ["127.0.0.1:9184", "[::1]:0", "127.8.9.1:80"] {
            assert_eq!(address(good).unwrap().to_string(), good);
        }
        assert_eq!(address("localhost:9184"), address("127.0.0.1:9184"));
        for (bad, words) in [
            ("0.0.0.0:9184", "only a loopback address"),
            ("[::]:9184", "only a loopback address"),
            ("192.168.0.1:9184", "only a loopback address"),
            ("[::ffff:10.0.0.1]:80", "only a loopback address"),
            ("example.org:9184", "expected an address and a port"),
            ("127.0.0.1", "expected an address and a port"),
            ("127.0.0.1:99999", "expected an address and a port"),
            ("9184", "expected an address and a port"),
            ("", "expected an address and a port"),
        ] {
            let said = address(bad).unwrap_err();
            assert!(said.contains(words), "{bad}: {said}");
        }
    }
}
