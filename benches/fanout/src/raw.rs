//! The machine's limit: a server that writes its input to every subscriber, and does nothing else.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use bench_kit::cannot;
use pubsub_api::Result;
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use serde_json::json;

/// Number of bytes to read at once.
const READ_BYTES: usize = 256 * 1024;

/// Limit of the log for slow subscribers; when it is full, nothing more is read.
const LOG_BYTES: usize = 8 * 1024 * 1024;

/// The part of the log that all subscribers have received is removed when it has this length.
const CUT_BYTES: usize = 1024 * 1024;

/// Listens on TCP for `subscribers`, then on `socket` for the pusher, and serves them until the pusher disconnects.
///
/// # Errors
/// If a system call fails. A subscriber that disconnects is not an error.
pub(crate) fn run(subscribers: usize, socket: &Path) -> Result<()> {
    let network = TcpListener::bind("127.0.0.1:0").map_err(cannot("bind a TCP socket"))?;
    let push = UnixListener::bind(socket).map_err(cannot(format!("bind {}", socket.display())))?;
    let address = network.local_addr().map_err(cannot("read the address of a TCP socket"))?;
    println!("{}", json!({ "ready": true, "network": format!("tcp://{address}") }));
    let mut sockets = Vec::with_capacity(subscribers);
    for _ in 0..subscribers {
        sockets.push(SubscriberSocket::accept(&network).map_err(cannot("accept a subscriber"))?);
    }
    let (input, _) = push.accept().map_err(cannot("accept the pusher"))?;
    input.set_nonblocking(true).map_err(cannot("make a socket nonblocking"))?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(cannot("create an epoll"))?;
    let fan = Fan { epoll, input, sockets, log: Vec::new(), chunk: vec![0; READ_BYTES] };
    fan.run().map_err(cannot("fan out"))
}

/// A subscriber: its position in the log, and whether its socket accepted everything.
#[derive(Debug)]
struct SubscriberSocket {
    stream: TcpStream,
    cursor: usize,
    blocked: bool,
    gone: bool,
}

impl SubscriberSocket {
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
    sockets: Vec<SubscriberSocket>,
    log: Vec<u8>,
    chunk: Vec<u8>,
}

impl Fan {
    /// Edge-triggered on both sides: each socket is read or written until it would block.
    fn run(mut self) -> std::io::Result<()> {
        const INPUT: u64 = u64::MAX;
        let edges = |events| epoll::EventFlags::ET | events;
        epoll::add(&self.epoll, &self.input, epoll::EventData::new_u64(INPUT), edges(epoll::EventFlags::IN))?;
        for (place, subscriber) in self.sockets.iter().enumerate() {
            let data = epoll::EventData::new_u64(place as u64);
            epoll::add(&self.epoll, &subscriber.stream, data, edges(epoll::EventFlags::OUT))?;
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
            if readable
                && self.log.len() < LOG_BYTES
                && self.sockets.iter().all(|subscriber| !subscriber.blocked)
            {
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
        let subscriber = usize::try_from(place).ok().and_then(|place| self.sockets.get_mut(place));
        if let Some(subscriber) = subscriber {
            subscriber.blocked = false;
        }
    }

    fn write(&mut self) {
        for subscriber in &mut self.sockets {
            subscriber.write(&self.log);
        }
        let staying = self.sockets.iter().filter(|subscriber| !subscriber.gone);
        let slowest = staying.map(|subscriber| subscriber.cursor).min().unwrap_or(self.log.len());
        if slowest == self.log.len() || slowest >= CUT_BYTES {
            self.log.drain(..slowest);
            for subscriber in &mut self.sockets {
                subscriber.cursor = subscriber.cursor.saturating_sub(slowest);
            }
        }
    }
}
