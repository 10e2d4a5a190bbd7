//! As much of an HTTP server as a scraper needs: one page, read again and again.
//!
//! Whoever is slow, or says what makes no sense, costs a thread for twice [`PATIENCE`] at most, beside
//! the making of the page, and there are few of these; nothing that they send is kept.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Where the page is.
pub(super) const PATH: &str = "/metrics";

/// Makes the page.
type Make = dyn Fn() -> String + Send + Sync;

/// Serves until it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// So long the other side has to ask, and again so long to take the answer and hang up.
const PATIENCE: Duration = Duration::from_secs(1);

/// So many are answered at a time; more are turned away.
const AT_ONCE: usize = 16;

/// It is looked for new connections so often.
const LOOK: Duration = Duration::from_millis(20);

/// A request's head may be this long; no body is read.
const HEAD: usize = 8 << 10;

impl Server {
    /// Begins to listen.
    ///
    /// # Errors
    /// If the address cannot be had, or no thread.
    pub(super) fn start(
        address: SocketAddr,
        make: impl Fn() -> String + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        // It is looked at rather than waited for: nothing wakes a thread that waits for connections
        // surely.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("metrics".into())
            .spawn(move || listen(&listener, &stopped, &(Arc::new(make) as Arc<Make>)))?;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Relaxed: the thread is joined, or looks again soon.
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn listen(listener: &TcpListener, stop: &AtomicBool, make: &Arc<Make>) {
    let open = Arc::new(());
    while !stop.load(Ordering::Relaxed) {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::park_timeout(LOOK);
            continue;
        };
        // Ourselves, and those that are being answered.
        if Arc::strong_count(&open) > AT_ONCE {
            continue;
        }
        let (make, open) = (make.clone(), open.clone());
        let serve = move || {
            // Whoever hangs up has had enough.
            let _ = answer(stream, &*make);
            drop(open);
        };
        // Where there is no thread for it, it is turned away.
        let _ = std::thread::Builder::new()
            .name("metrics-answer".into())
            .spawn(serve);
    }
}

/// Answers the one request of a connection.
fn answer(mut stream: TcpStream, make: &Make) -> io::Result<()> {
    let mut end = Instant::now() + PATIENCE;
    let mut head = [0; HEAD];
    let response = match read_head(&mut stream, &mut head, end)? {
        Some(line) => respond(line, make),
        None => plain(
            "431 Request Header Fields Too Large",
            "the request is too long",
        ),
    };
    // A page takes its time where the run is waited for: that is not the other side's.
    end = Instant::now() + PATIENCE;
    let mut left = response.as_slice();
    while !left.is_empty() {
        stream.set_write_timeout(Some(time_to(end)?))?;
        match stream.write(left)? {
            0 => return Ok(()),
            written => left = &left[written..],
        }
    }
    // What is closed with something unread would take the answer back.
    stream.shutdown(Shutdown::Write)?;
    loop {
        stream.set_read_timeout(Some(time_to(end)?))?;
        if stream.read(&mut head)? == 0 {
            return Ok(());
        }
    }
}

/// The request's first line; none if its head is too long.
fn read_head<'a>(
    stream: &mut TcpStream,
    head: &'a mut [u8; HEAD],
    end: Instant,
) -> io::Result<Option<&'a [u8]>> {
    let mut len = 0;
    let is_whole = |head: &[u8]| {
        let ends = |end: &[u8]| head.windows(end.len()).any(|part| part == end);
        ends(b"\r\n\r\n") || ends(b"\n\n")
    };
    while !is_whole(&head[..len]) {
        if len == HEAD {
            return Ok(None);
        }
        stream.set_read_timeout(Some(time_to(end)?))?;
        match stream.read(&mut head[len..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => len += read,
        }
    }
    Ok(head[..len].split(|&byte| byte == b'\n').next())
}

fn time_to(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(io::ErrorKind::TimedOut.into()),
        false => Ok(left),
    }
}

/// The whole response to a request with that first line.
fn respond(line: &[u8], make: &Make) -> Vec<u8> {
    let line = std::str::from_utf8(line).unwrap_or("").trim_end();
    let words: Vec<&str> = line.split(' ').collect();
    let &[method, target, version] = &words[..] else {
        return plain("400 Bad Request", "that is no HTTP request");
    };
    if !version.starts_with("HTTP/1.") {
        return plain("505 HTTP Version Not Supported", "HTTP/1.1 is spoken here");
    }
    if method != "GET" && method != "HEAD" {
        return plain(
            "405 Method Not Allowed\r\nAllow: GET, HEAD",
            "there is only GET",
        );
    }
    let path = target.split('?').next();
    let mut response = match path == Some(PATH) {
        true => whole(
            "200 OK",
            "text/plain; version=0.0.4; charset=utf-8",
            &make(),
        ),
        false => plain("404 Not Found", "there is only /metrics"),
    };
    if method == "HEAD" {
        let head = response.windows(4).position(|part| part == b"\r\n\r\n");
        response.truncate(head.map_or(0, |at| at + 4));
    }
    response
}

fn plain(status: &str, sentence: &str) -> Vec<u8> {
    whole(
        status,
        "text/plain; charset=utf-8",
        &format!("{sentence}\n"),
    )
}

fn whole(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Server::start(any, || "a 1\n".into()).unwrap()
    }

    /// What comes back of a request.
    fn ask(server: &Server, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn the_page_is_there_and_nothing_else_is() {
        let server = server();
        let answer = ask(&server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(
            answer.contains("\r\nContent-Type: text/plain; version=0.0.4;"),
            "{answer}"
        );
        assert!(answer.contains("\r\nContent-Length: 4\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\na 1\n"), "{answer}");
        let head = ask(&server, b"HEAD /metrics?x=y HTTP/1.0\n\n");
        assert!(
            head.contains("Content-Length: 4") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
        for (request, status) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], "404"),
            (b"GET /metricsx HTTP/1.1\r\n\r\n", "404"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
            (b"GET /metrics\r\n\r\n", "400"),
            (b"GET /metrics SPDY/3\r\n\r\n", "505"),
            (b"\xff\xfe\x00\r\n\r\n", "400"),
            (b"\r\n\r\n", "400"),
        ] {
            let answer = ask(&server, request);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{answer}"
            );
        }
    }

    #[test]
    fn who_says_nothing_or_too_much_keeps_nobody_from_the_page() {
        let server = server();
        let silent: Vec<_> = (0..AT_ONCE - 2)
            .map(|_| TcpStream::connect(server.address()).unwrap())
            .collect();
        let answer = ask(&server, b"GET /metrics HTTP/1.1\r\n\r\n");
        assert!(answer.ends_with("a 1\n"), "{answer}");
        let long = [&b"GET /metrics HTTP/1.1\r\nX: "[..], &[b'x'; HEAD]].concat();
        let mut talker = TcpStream::connect(server.address()).unwrap();
        talker.write_all(&long).unwrap();
        talker.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        talker.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        drop(silent);
    }

    #[test]
    fn who_hangs_on_is_let_go() {
        let server = server();
        let mut silent = TcpStream::connect(server.address()).unwrap();
        // Ends when the server has hung up.
        assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn a_page_that_takes_its_time_is_answered_with_all_the_same() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let make = || {
            std::thread::sleep(PATIENCE);
            String::from("a 1\n")
        };
        let server = Server::start(any, make).unwrap();
        let answer = ask(&server, b"GET /metrics HTTP/1.1\r\n\r\n");
        assert!(answer.ends_with("a 1\n"), "{answer}");
    }

    #[test]
    fn it_ends_when_it_is_dropped() {
        let page = Arc::new(String::from("a 1\n"));
        let shown = page.clone();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        drop(Server::start(any, move || String::clone(&shown)).unwrap());
        assert_eq!(Arc::strong_count(&page), 1, "nobody is left to show it");
    }
}
