use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::counters::LinkCounters;
use super::inbound::Inbound;
use super::publisher_liveness::{PublisherLiveness, Verdict};
use super::queue::Item;
use crate::ZmtpSettings;
use crate::protocol::{Command, Peer};

/// One connection to a publisher, for events or for requests: its socket, its decoder, its heartbeat, and the bytes that wait
/// to be written. What a connection does with the events it receives is up to its owner.
///
/// Each error is a sentence with the reason why the connection broke.
pub(crate) struct PeerConnection {
    pub(crate) stream: TcpStream,
    pub(crate) inbound: Inbound,
    /// Received, and not yet in the queue. As long as there is something, nothing more is read.
    pub(crate) received: VecDeque<Item>,
    /// Waits to be written: subscriptions or requests, PINGs and PONGs.
    pub(crate) out: Vec<u8>,
    pub(crate) liveness: PublisherLiveness,
    dead_after: Duration,
}

/// While this number of bytes waits for a publisher that does not read, it gets no further PONG.
const MAX_UNWRITTEN_BYTES: usize = 64 * 1024;

impl PeerConnection {
    /// A connection whose handshake is complete.
    pub(crate) fn new(stream: TcpStream, peer: Peer, inbound: Inbound, settings: &ZmtpSettings) -> Self {
        let (beat, dead_after) = (settings.heartbeat_interval, settings.dead_after);
        Self {
            stream,
            inbound,
            received: VecDeque::new(),
            out: Vec::new(),
            liveness: PublisherLiveness::new(beat, dead_after, peer.speaks_3_1(), Instant::now()),
            dead_after,
        }
    }

    /// The times at which to call [`check_liveness`](Self::check_liveness).
    pub(crate) fn ticks(&self) -> Interval {
        let mut ticks = interval(self.liveness.tick_every());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    /// Reads once; `false` if the socket has nothing.
    pub(crate) fn read(&mut self) -> Result<bool, String> {
        // Not `try_read_buf`: of a read that does not fill the room, this learns that the socket is empty, without another one.
        let mut room = self.inbound.room();
        let reading = pin!(self.stream.read_buf(&mut room));
        match reading.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(0)) => Err("the publisher closed the connection".to_owned()),
            Poll::Ready(Ok(_)) => {
                self.liveness.heard(Instant::now());
                Ok(true)
            }
            Poll::Pending => Ok(false),
            Poll::Ready(Err(error)) => Err(error.to_string()),
        }
    }

    /// Moves everything that is complete to `received`, and answers PINGs. Returns whether a publisher sent any of it, and not
    /// only a proxy.
    pub(crate) fn decode(&mut self, counters: &LinkCounters) -> Result<bool, String> {
        let said = self.inbound.take(&mut self.received, counters).map_err(|error| error.to_string())?;
        for (time_to_live, context) in said.pings {
            self.liveness.pinged(time_to_live);
            if self.out.len() < MAX_UNWRITTEN_BYTES {
                Command::put_pong(&mut self.out, context.as_bytes());
            }
        }
        Ok(said.of_publisher)
    }

    /// Writes what waits, as far as the socket accepts it.
    pub(crate) fn write(&mut self) -> Result<(), String> {
        match self.stream.try_write(&self.out) {
            Ok(count) => {
                self.out.drain(..count);
                if self.out.is_empty() {
                    self.liveness.written(Instant::now());
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Queues a PING or a PONG if one is due; an error if the publisher is dead. Call it after a read: if this process was stopped or
    /// suspended, the silence was ours.
    pub(crate) fn check_liveness(&mut self, now: Instant) -> Result<(), String> {
        match self.liveness.tick(!self.out.is_empty(), now) {
            Verdict::Quiet => {}
            // No time to live: a publisher that sends much receives little from us.
            Verdict::Ping => Command::Ping { ttl: 0, context: b"" }.put(&mut self.out),
            Verdict::Pong => Command::Pong.put(&mut self.out),
            Verdict::Dead => {
                let dead_after = self.dead_after;
                return Err(format!("no sign of life for {dead_after:?} (dead_after)"));
            }
        }
        Ok(())
    }
}
