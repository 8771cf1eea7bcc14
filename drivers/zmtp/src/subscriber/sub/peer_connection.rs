mod sealed_stream;

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::BufMut;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::counters::LinkCounters;
use super::inbound::{BLOCK_BYTES, Inbound};
use super::publisher_liveness::{PublisherLiveness, Verdict};
use super::queue::Item;
use crate::ZmtpSettings;
use crate::protocol::curve::Session;
use crate::protocol::{Command, Peer};
use sealed_stream::SealedStream;

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
    /// The publisher stops, and asks for this time before the next connection.
    pub(crate) retry_after: Option<Duration>,
    /// With CURVE.
    sealed: Option<Box<SealedStream>>,
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
            retry_after: None,
            sealed: None,
            dead_after,
        }
    }

    /// With CURVE, if there is a session: `arrived` came after the handshake.
    pub(crate) fn sealed(self, session: Option<Box<Session>>, arrived: &[u8]) -> Self {
        Self { sealed: session.map(|session| Box::new(SealedStream::new(session, arrived))), ..self }
    }

    /// Whether something waits to be written.
    pub(crate) fn writes(&self) -> bool {
        !self.out.is_empty() || self.sealed.as_ref().is_some_and(|stream| !stream.sealed().is_empty())
    }

    /// The times at which to call [`check_liveness`](Self::check_liveness).
    pub(crate) fn ticks(&self) -> Interval {
        let mut ticks = interval(self.liveness.tick_every());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    /// Reads once; `false` if the socket has nothing.
    pub(crate) fn read(&mut self) -> Result<bool, String> {
        let read = match &mut self.sealed {
            None => read(&mut self.stream, &mut self.inbound.room()),
            Some(stream) => {
                let room = stream.room();
                room.reserve(BLOCK_BYTES);
                read(&mut self.stream, &mut room.limit(BLOCK_BYTES))
            }
        };
        match read {
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
        let opened = self.sealed.as_mut().map_or(Ok(()), |stream| stream.open());
        let mut of_publisher = false;
        loop {
            if let Some(stream) = &mut self.sealed {
                let mut room = self.inbound.room();
                let most = room.remaining_mut();
                room.put_slice(stream.take_opened(most).as_ref());
            }
            let said = self.inbound.take(&mut self.received, counters).map_err(|error| error.to_string())?;
            for (time_to_live, context) in said.pings {
                self.liveness.pinged(time_to_live);
                if self.out.len() < MAX_UNWRITTEN_BYTES {
                    Command::put_pong(&mut self.out, context.as_bytes());
                }
            }
            of_publisher |= said.of_publisher;
            self.retry_after = said.retry_after.or(self.retry_after);
            if !self.sealed.as_ref().is_some_and(|stream| stream.has_opened()) {
                return opened.map(|()| of_publisher).map_err(|error| error.to_string());
            }
        }
    }

    /// Writes what waits, as far as the socket accepts it.
    pub(crate) fn write(&mut self) -> Result<(), String> {
        let waits = match &mut self.sealed {
            None => &self.out,
            Some(stream) => {
                stream.seal(&mut self.out).map_err(|error| error.to_string())?;
                stream.sealed()
            }
        };
        match self.stream.try_write(waits) {
            Ok(count) => {
                match &mut self.sealed {
                    None => drop(self.out.drain(..count)),
                    Some(stream) => stream.wrote(count),
                }
                if !self.writes() {
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
        match self.liveness.tick(self.writes(), now) {
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

/// Reads once. Not `try_read_buf`: of a read that does not fill the room, this learns that the socket is empty, without another
/// one.
fn read(stream: &mut TcpStream, room: &mut impl BufMut) -> Poll<io::Result<usize>> {
    pin!(stream.read_buf(room)).poll(&mut Context::from_waker(Waker::noop()))
}
