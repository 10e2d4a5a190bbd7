//! The connections of one process to one server.

use super::protocol::{Reply, Request, message, receive, send};
use crate::error::{Error, Result};
use crate::sys::socket;
use std::collections::HashMap;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(10);

/// What all proxies of one manager in this process share. It connects when it is first used, and
/// again for each call that is under way at the same time; connections are kept for later calls
/// until the last proxy goes.
#[derive(Debug)]
pub(super) struct Client {
    name: String,
    idle: Mutex<Vec<UnixStream>>,
}

/// Every client that somebody holds, by its server's name.
static CLIENTS: LazyLock<Mutex<HashMap<String, Weak<Client>>>> = LazyLock::new(Mutex::default);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics between two changes that belong together.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// The client of the server that has this name.
    pub(super) fn of(name: String) -> Arc<Self> {
        let mut clients = lock(&CLIENTS);
        if let Some(client) = clients.get(&name).and_then(Weak::upgrade) {
            return client;
        }
        let client = Arc::new(Self {
            name: name.clone(),
            idle: Mutex::default(),
        });
        clients.insert(name, Arc::downgrade(&client));
        client
    }

    /// Its server's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// One round trip. A refusal is an error, after which the connection is as good as before.
    pub(super) fn call(&self, request: &Request, value: &[u8]) -> Result<(Reply, Vec<u8>)> {
        let message = message(request, value)?;
        match self.exchange(&message, None) {
            Ok((Reply::Refused(why) | Reply::TurnedAway(why), _)) => Err(Error::Failed(why)),
            Ok(answer) => Ok(answer),
            Err(error) => Err(Error::Failed(format!(
                "the manager's server is gone: {error}"
            ))),
        }
    }

    /// Waits until the server answers for the first time.
    pub(super) fn greet(&self) -> Result<()> {
        let message = message(&Request::Greeting, &[])?;
        let answer = self.exchange(&message, Some(START));
        answer
            .map(|_| ())
            .map_err(Error::io(&self.name, "no answer"))
    }

    fn exchange(&self, message: &[u8], limit: Option<Duration>) -> io::Result<(Reply, Vec<u8>)> {
        let idle = lock(&self.idle).pop();
        let mut stream = idle.map_or_else(|| self.connect(), Ok)?;
        if limit.is_some() {
            stream.set_read_timeout(limit)?;
        }
        let sent = send(&mut stream, message);
        // Who is turned away is told why, but not listened to.
        let answer = receive(&mut stream);
        if let Err(error) = sent {
            return answer.map_err(|_| error);
        }
        let answer = answer?;
        if limit.is_some() {
            stream.set_read_timeout(None)?;
        }
        if !matches!(answer, (Reply::TurnedAway(_), _)) {
            lock(&self.idle).push(stream);
        }
        Ok(answer)
    }

    fn connect(&self) -> io::Result<UnixStream> {
        let stream = UnixStream::connect_addr(&SocketAddr::from_abstract_name(&self.name)?)?;
        if socket::is_same_user(&stream)? {
            Ok(stream)
        } else {
            Err(io::Error::other("another user has taken its name"))
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut clients = lock(&CLIENTS);
        // Somebody may have made a new one since the last holder let go.
        if clients
            .get(&self.name)
            .is_some_and(|weak| weak.strong_count() == 0)
        {
            clients.remove(&self.name);
        }
    }
}
