//! The machine's limit: a server that writes what it reads to everyone, and does nothing else.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use pubsub_api::Result;
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use serde_json::json;

use crate::failure::cannot;

/// Read at once.
const READ_BYTES: usize = 256 * 1024;

/// What is kept for subscribers that are behind; then nothing more is read.
const LOG_BYTES: usize = 8 * 1024 * 1024;

/// What of the log everyone has had goes when it is so long.
const CUT_BYTES: usize = 1024 * 1024;

/// Listens on TCP for `subscribers`, then on `socket` for the one who pushes, and serves them until the pusher leaves.
///
/// # Errors
/// If the system refuses something. A subscriber that leaves is no error.
pub(crate) fn run(subscribers: usize, socket: &Path) -> Result<()> {
    let network = TcpListener::bind("127.0.0.1:0").map_err(cannot("bind a TCP socket"))?;
    let push = UnixListener::bind(socket).map_err(cannot(format!("bind {}", socket.display())))?;
    let address = network.local_addr().map_err(cannot("tell the address of a TCP socket"))?;
    println!("{}", json!({ "ready": true, "network": format!("tcp://{address}") }));
    let mut takers = Vec::with_capacity(subscribers);
    for _ in 0..subscribers {
        takers.push(Taker::accept(&network).map_err(cannot("accept a subscriber"))?);
    }
    let (input, _) = push.accept().map_err(cannot("accept the pusher"))?;
    input.set_nonblocking(true).map_err(cannot("make a socket nonblocking"))?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(cannot("make an epoll"))?;
    let fan = Fan { epoll, input, takers, log: Vec::new(), chunk: vec![0; READ_BYTES] };
    fan.run().map_err(cannot("fan out"))
}

/// A subscriber: where in the log it is, and whether its socket took all that it was given.
#[derive(Debug)]
struct Taker {
    stream: TcpStream,
    cursor: usize,
    blocked: bool,
    gone: bool,
}

impl Taker {
    fn accept(listener: &TcpListener) -> std::io::Result<Self> {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, cursor: 0, blocked: false, gone: false })
    }

    fn write(&mut self, log: &[u8]) {
        while !self.gone && !self.blocked {
            let rest = log.get(self.cursor..).unwrap_or_default();
            if rest.is_empty() {
                return;
            }
            match self.stream.write(rest) {
                Ok(bytes) => self.cursor += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.gone = true,
            }
        }
    }
}

#[derive(Debug)]
struct Fan {
    epoll: OwnedFd,
    input: UnixStream,
    takers: Vec<Taker>,
    log: Vec<u8>,
    chunk: Vec<u8>,
}

impl Fan {
    /// Both sides are watched by edges: each is read, or written, until it takes no more.
    fn run(mut self) -> std::io::Result<()> {
        const INPUT: u64 = u64::MAX;
        let edges = |events| epoll::EventFlags::ET | events;
        epoll::add(&self.epoll, &self.input, epoll::EventData::new_u64(INPUT), edges(epoll::EventFlags::IN))?;
        for (place, taker) in self.takers.iter().enumerate() {
            let data = epoll::EventData::new_u64(place as u64);
            epoll::add(&self.epoll, &taker.stream, data, edges(epoll::EventFlags::OUT))?;
        }
        let mut readable = false;
        let mut events = Vec::with_capacity(512);
        loop {
            if readable && self.log.len() < LOG_BYTES {
                match self.input.read(&mut self.chunk) {
                    Ok(0) => return Ok(()),
                    Ok(bytes) => self.log.extend_from_slice(self.chunk.get(..bytes).unwrap_or_default()),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => readable = false,
                    Err(error) => return Err(error),
                }
            }
            self.write();
            if readable && self.log.len() < LOG_BYTES && self.takers.iter().all(|taker| !taker.blocked) {
                continue;
            }
            let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
            let patience = (readable && self.log.len() < LOG_BYTES).then_some(&at_once);
            epoll::wait(&self.epoll, spare_capacity(&mut events), patience)?;
            for event in events.drain(..) {
                match event.data.u64() {
                    INPUT => readable = true,
                    place => self.unblock(place),
                }
            }
        }
    }

    fn unblock(&mut self, place: u64) {
        let taker = usize::try_from(place).ok().and_then(|place| self.takers.get_mut(place));
        if let Some(taker) = taker {
            taker.blocked = false;
        }
    }

    fn write(&mut self) {
        for taker in &mut self.takers {
            taker.write(&self.log);
        }
        let staying = self.takers.iter().filter(|taker| !taker.gone);
        let slowest = staying.map(|taker| taker.cursor).min().unwrap_or(self.log.len());
        if slowest == self.log.len() || slowest >= CUT_BYTES {
            self.log.drain(..slowest);
            for taker in &mut self.takers {
                taker.cursor = taker.cursor.saturating_sub(slowest);
            }
        }
    }
}
