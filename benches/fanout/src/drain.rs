use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_kit::{Clock, cannot, failure};
use pubsub_api::Result;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::connection::{Connection, Latencies};
use crate::flow::Flow;
use crate::payload::Payload;
use crate::rota::{Rota, Share};
use crate::wire::{End, Wire};

/// All subscribers on one thread with one epoll, which only reads, counts and checks.
#[derive(Debug)]
pub(crate) struct Drain {
    epoll: OwnedFd,
    subscribers: Vec<(TcpStream, Connection)>,
    /// For each subscriber, the number of the next event.
    positions: Vec<u64>,
    /// Number of subscribers, from the first on, that stop reading when the flow stalls them.
    to_stall: usize,
    /// Number of subscribers that have stopped reading.
    stalled: usize,
    delivered: u64,
    latencies: Option<Latencies>,
    buffer: Vec<u8>,
    flow: Arc<Flow>,
    clock: Clock,
}

/// Number of bytes to read at once from one socket.
const READ_BYTES: usize = 256 * 1024;

/// Number of sockets to handle before progress is reported.
const READY: usize = 512;

impl Drain {
    /// Connects a subscriber for each share; the first `to_stall` will stop reading.
    pub(crate) fn connect(
        (address, wire): (SocketAddr, Wire),
        rota: Rota,
        shares: Vec<Share>,
        to_stall: usize,
        (flow, clock): (Arc<Flow>, Clock),
    ) -> Result<Self> {
        let head_at = Payload::new(&rota.name(0))?.head_at;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(cannot("create an epoll"))?;
        let positions = shares.iter().map(|share| share.sequence_after(0)).collect();
        let mut subscribers = Vec::with_capacity(shares.len());
        for (place, share) in shares.into_iter().enumerate() {
            let stream = connect(address, place < to_stall)?;
            let opening = wire.opening(End::Subscribe, &share.names());
            (&stream).write_all(&opening).map_err(cannot("greet the server"))?;
            stream.set_nonblocking(true).map_err(cannot("make a socket nonblocking"))?;
            let data = epoll::EventData::new_u64(place as u64);
            epoll::add(&epoll, &stream, data, epoll::EventFlags::IN).map_err(cannot("watch a socket"))?;
            subscribers.push((stream, Connection::new(wire, share, head_at)));
        }
        Ok(Self {
            epoll,
            subscribers,
            positions,
            to_stall,
            stalled: 0,
            delivered: 0,
            latencies: None,
            buffer: vec![0; READ_BYTES],
            flow,
            clock,
        })
    }

    /// Records the latency of every event.
    pub(crate) fn with_latencies(mut self, latencies: Option<Latencies>) -> Self {
        self.latencies = latencies;
        self
    }

    /// Reads until the flow stops; reports a failure to the flow as well.
    pub(crate) fn run(mut self) -> Self {
        if let Err(error) = self.read_until_stopped() {
            self.flow.fail(error);
        }
        self
    }

    fn read_until_stopped(&mut self) -> Result<()> {
        const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        let mut ready = Vec::with_capacity(READY);
        while !self.flow.is_stopping() {
            self.stall()?;
            match epoll::wait(&self.epoll, spare_capacity(&mut ready), Some(&PATIENCE)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(cannot("wait for the sockets")(error)),
            }
            for event in ready.drain(..) {
                let place = event.data.u64();
                self.read(usize::try_from(place).unwrap_or(usize::MAX))?;
            }
            self.report();
        }
        Ok(())
    }

    fn read(&mut self, place: usize) -> Result<()> {
        let subscriber = self.subscribers.get_mut(place).zip(self.positions.get_mut(place));
        let Some(((stream, connection), position)) = subscriber else { return Ok(()) };
        let bytes = match stream.read(&mut self.buffer) {
            Ok(0) => return Err(failure(format!("the server closed the connection of subscriber {place}"))),
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(());
            }
            Err(error) => return Err(cannot(format!("read at subscriber {place}"))(error)),
        };
        let now_ns = if self.latencies.is_some() { self.clock.now_ns() } else { 0 };
        let before = connection.count();
        let chunk = self.buffer.get(..bytes).unwrap_or_default();
        let answer = connection
            .take(chunk, now_ns, self.latencies.as_mut())
            .map_err(|error| error.context(format!("subscriber {place}")))?;
        self.delivered += connection.count() - before;
        *position = connection.position();
        if !answer.is_empty() {
            stream.write_all(&answer).map_err(cannot(format!("answer as subscriber {place}")))?;
        }
        Ok(())
    }

    fn report(&self) {
        if !self.flow.is_subscribed() && self.subscribers.iter().all(|(_, one)| one.has_subscribed()) {
            self.flow.set_subscribed();
        }
        let reading = self.positions.get(self.stalled..).unwrap_or_default();
        let slowest = reading.iter().copied().min().unwrap_or(0);
        // Probes matter only until the first event arrives.
        let probed = if self.delivered > 0 { self.flow.probed() } else { self.probed() };
        self.flow.progress(slowest, self.delivered, probed);
    }

    fn probed(&self) -> u64 {
        self.subscribers.iter().map(|(_, connection)| connection.probed()).min().unwrap_or(0)
    }

    fn stall(&mut self) -> Result<()> {
        if self.stalled == self.to_stall || !self.flow.is_stalling() {
            return Ok(());
        }
        for (stream, _) in self.subscribers.iter().take(self.to_stall) {
            epoll::delete(&self.epoll, stream).map_err(cannot("stop watching a socket"))?;
        }
        self.stalled = self.to_stall;
        self.flow.set_stalled();
        Ok(())
    }

    /// Checks that every subscriber that read has received every event below `pushed`, and none beyond.
    pub(crate) fn verify(&self, pushed: u64) -> Result<()> {
        for (place, (_, connection)) in self.subscribers.iter().enumerate().skip(self.stalled) {
            let (wanted, come) = (connection.share().count_below(pushed), connection.count());
            if wanted != come {
                let text =
                    format!("subscriber {place} must have received {wanted} events, but received {come}");
                return Err(failure(text));
            }
        }
        Ok(())
    }

    pub(crate) fn into_latencies(self) -> Option<Latencies> {
        self.latencies
    }

    /// The number of subscribers that did not read and were disconnected by the server: reads the rest of their input.
    pub(crate) fn count_cut(&mut self) -> usize {
        const PATIENCE: Duration = Duration::from_secs(2);
        const PAUSE: Duration = Duration::from_millis(1);
        /// Below one segment, which over loopback is 64 KiB, the sender would wait for more room before each.
        const WIDE_BYTES: usize = 1024 * 1024;
        let deadline = Instant::now() + PATIENCE;
        let mut left: Vec<&TcpStream> =
            self.subscribers.iter().take(self.stalled).map(|(stream, _)| stream).collect();
        let all = left.len();
        for stream in &left {
            // If this fails, reading is only slower.
            let _ = rustix::net::sockopt::set_socket_recv_buffer_size(stream, WIDE_BYTES);
        }
        while !left.is_empty() && Instant::now() < deadline {
            left.retain(|stream| !is_at_end(stream, &mut self.buffer));
            #[expect(clippy::disallowed_methods, reason = "sockets are polled; each round has its pause")]
            std::thread::sleep(PAUSE);
        }
        all - left.len()
    }
}

/// Reads once; returns whether the server has disconnected.
fn is_at_end(mut stream: &TcpStream, buffer: &mut [u8]) -> bool {
    match stream.read(buffer) {
        Ok(bytes) => bytes == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
    }
}

/// A subscriber that will stop reading gets a small buffer, so that its server notices it soon.
fn connect(address: SocketAddr, stalls: bool) -> Result<TcpStream> {
    const SMALL_BYTES: usize = 32 * 1024;
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))
        .map_err(cannot(format!("connect to {address}")))?;
    stream.set_nodelay(true).map_err(cannot("set TCP_NODELAY"))?;
    if stalls {
        rustix::net::sockopt::set_socket_recv_buffer_size(&stream, SMALL_BYTES)
            .map_err(cannot("shrink the buffer of a socket"))?;
    }
    Ok(stream)
}
