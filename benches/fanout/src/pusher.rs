use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bench_kit::{Clock, cannot, failure};
use pubsub_api::{Error, Result};
use rustix::net::{RecvFlags, SendFlags};

use crate::block::Block;
use crate::flow::{Flow, STALL_TIMEOUT};
use crate::payload::PROBE;
use crate::rota::Rota;
use crate::wire::{End, What, Wire};

/// The address to push to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PushAddress {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// Pushes encoded events over one connection, never more than a window ahead of the slowest subscriber.
#[derive(Debug)]
pub(crate) struct Pusher {
    socket: OwnedFd,
    wire: Wire,
    rota: Rota,
    block: Block,
    window: u64,
    next: u64,
    /// The received part of an incomplete piece.
    partial: Vec<u8>,
    buffer: Vec<u8>,
    /// Number of pushes that were answered, and of those that were sent.
    receipts: (u64, u64),
    greeted: bool,
    flow: Arc<Flow>,
    clock: Clock,
}

impl Pusher {
    /// Connects, and waits for the server's greeting if the protocol has one.
    pub(crate) fn connect(
        (address, wire): (&PushAddress, Wire),
        rota: Rota,
        window: u64,
        (flow, clock): (Arc<Flow>, Clock),
    ) -> Result<Self> {
        let socket = open(address).map_err(cannot(format!("connect the pusher to {address:?}")))?;
        let mut pusher = Self {
            socket,
            wire,
            rota,
            block: Block::new(wire, rota)?,
            window,
            next: 0,
            partial: Vec::new(),
            buffer: vec![0; 64 * 1024],
            receipts: (0, 0),
            greeted: false,
            flow,
            clock,
        };
        pusher.write(&wire.opening(End::Push, &[]))?;
        if wire.is_greeted() {
            pusher.listen_until("greet the pusher", |pusher| pusher.greeted)?;
        }
        Ok(pusher)
    }

    /// Pushes a round of probes, one for each topic.
    pub(crate) fn probe(&mut self, round: u64) -> Result<()> {
        let mut done = 0;
        while done < self.rota.len() {
            let (bytes, count) = self.block.fill(done, self.rota.len() - done, 0, |_| PROBE + round);
            send(&self.socket, bytes)?;
            done += count;
            self.receipts.1 += count;
        }
        self.listen()
    }

    /// Pushes as fast as the window allows, until `stop` is set.
    pub(crate) fn push_until(&mut self, stop: &AtomicBool) -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            self.flow.check()?;
            let room = (self.flow.slowest() + self.window).saturating_sub(self.next);
            if room == 0 {
                // Woken for a quarter of the window at a time, not for each event.
                self.flow.wait_for_slowest(self.next - (self.window - self.window / 4))?;
                continue;
            }
            self.push(room, self.clock.now_ns())?;
        }
        Ok(())
    }

    /// Pushes `count` events, one each `interval`.
    ///
    /// Each carries its *intended* send time, so that a delay of the pusher counts as latency too.
    pub(crate) fn pace(&mut self, count: u64, interval: Duration) -> Result<()> {
        const SPIN: Duration = Duration::from_micros(100);
        let interval_ns = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        let first = self.clock.now_ns() + interval_ns;
        for turn in 0..count {
            let intended = first + turn * interval_ns;
            self.clock.wait_until(intended, SPIN);
            self.flow.check()?;
            if self.next >= self.flow.slowest() + self.window {
                self.flow.wait_for_slowest(self.next + 1 - self.window)?;
            }
            self.push(1, intended)?;
        }
        Ok(())
    }

    /// Waits until all subscribers have received everything, and every push is answered; returns the number of pushes.
    pub(crate) fn finish(&mut self) -> Result<u64> {
        self.flow.wait_for_slowest(self.next)?;
        if self.wire.has_receipts() {
            self.listen_until("answer every push", |pusher| pusher.receipts.0 >= pusher.receipts.1)?;
            let (come, pushed) = self.receipts;
            if come > pushed {
                return Err(failure(format!("{pushed} events were pushed, but {come} answered")));
            }
        }
        Ok(self.next)
    }

    fn push(&mut self, at_most: u64, time_ns: u64) -> Result<()> {
        let (bytes, count) = self.block.fill(self.next, at_most, time_ns, |sequence| sequence);
        send(&self.socket, bytes)?;
        self.next += count;
        self.receipts.1 += count;
        self.flow.set_pushed(self.next);
        self.listen()
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        send(&self.socket, bytes)
    }

    fn listen_until(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = Instant::now() + STALL_TIMEOUT;
        while !done(self) {
            self.flow.check()?;
            if Instant::now() > deadline {
                return Err(failure(format!("the server did not {what} within {STALL_TIMEOUT:?}")));
            }
            self.listen()?;
            #[expect(clippy::disallowed_methods, reason = "a socket is polled, with a deadline")]
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Handles input, without waiting.
    fn listen(&mut self) -> Result<()> {
        let bytes = match rustix::net::recv(&self.socket, self.buffer.as_mut_slice(), RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Err(failure("the server closed the pusher's connection")),
            Ok((bytes, _)) => bytes,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(cannot("read the server's answers to the pusher")(error)),
        };
        self.partial.extend_from_slice(self.buffer.get(..bytes).unwrap_or_default());
        let mut used = 0;
        while let Some(rest) = self.partial.get(used..).filter(|rest| !rest.is_empty()) {
            let piece = self.wire.next(rest).map_err(|error| error.context("to the pusher"))?;
            let Some(piece) = piece else { break };
            used += piece.bytes;
            self.answer(piece.what)?;
        }
        self.partial.drain(..used);
        Ok(())
    }

    fn answer(&mut self, what: What) -> Result<()> {
        match what {
            What::Greeting if !self.greeted => {
                self.greeted = true;
                self.write(&self.wire.after_greeting(End::Push, &[]))
            }
            What::Ping => self.write(self.wire.pong()),
            What::Receipt => {
                self.receipts.0 += 1;
                Ok(())
            }
            // Acknowledgements: the window is limited by the events that have arrived, which happens later.
            What::Event { .. } if self.wire == Wire::Hop => Ok(()),
            What::Event { .. } => Err(failure("the server sent an event to the pusher")),
            What::Greeting | What::Nothing => Ok(()),
        }
    }
}

/// Blocking writes, at most for [`STALL_TIMEOUT`], and no delay to combine writes.
fn open(address: &PushAddress) -> std::io::Result<OwnedFd> {
    match address {
        PushAddress::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_write_timeout(Some(STALL_TIMEOUT))?;
            Ok(stream.into())
        }
        PushAddress::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, STALL_TIMEOUT)?;
            stream.set_write_timeout(Some(STALL_TIMEOUT))?;
            stream.set_nodelay(true)?;
            Ok(stream.into())
        }
    }
}

fn send(socket: &OwnedFd, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match rustix::net::send(socket, bytes, SendFlags::NOSIGNAL) {
            Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(send_failure(error)),
        }
    }
    Ok(())
}

fn send_failure(error: rustix::io::Errno) -> Error {
    match error {
        rustix::io::Errno::AGAIN => {
            failure(format!("the server accepted nothing from the pusher for {STALL_TIMEOUT:?}"))
        }
        error => cannot("push")(error),
    }
}
