use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bench_kit::{cannot, failure};
use drivers_zmtp::protocol::curve::ClientKeys;
use drivers_zmtp::protocol::{Command, Handshake, SocketType};
use pubsub_api::Result;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;

use crate::counted_stream::CountedStream;

/// The subscribers: one thread reads all connections.
pub(crate) struct Drain {
    shared: Arc<Shared>,
    thread: JoinHandle<Result<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stopping: AtomicBool,
    /// Of all subscribers together.
    delivered: AtomicU64,
    /// Of the slowest one.
    slowest: AtomicU64,
}

impl Drain {
    /// Connects a subscriber for each of these keys, and subscribes it to everything.
    pub(crate) fn connect(address: &str, keys: &[ClientKeys]) -> Result<Self> {
        let mut streams = Vec::new();
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(cannot("create an epoll"))?;
        for keys in keys {
            let stream = subscribe(address, keys)?;
            let number = epoll::EventData::new_u64(streams.len() as u64);
            epoll::add(&epoll, &stream, number, epoll::EventFlags::IN).map_err(cannot("watch a socket"))?;
            streams.push((stream, CountedStream::default()));
        }
        let shared = Arc::<Shared>::default();
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || read_all(&epoll, &mut streams, &shared))
        };
        Ok(Self { shared, thread })
    }

    /// The number of events that all subscribers have received together.
    pub(crate) fn delivered(&self) -> u64 {
        self.shared.delivered.load(Ordering::Relaxed)
    }

    /// The number of events that the slowest one has received.
    pub(crate) fn slowest(&self) -> u64 {
        self.shared.slowest.load(Ordering::Relaxed)
    }

    /// Whether a connection has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.thread.is_finished()
    }

    /// Closes all connections.
    ///
    /// # Errors
    /// If one of them had failed.
    pub(crate) fn end(self) -> Result<()> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| Err(failure("the thread of the subscribers failed")))
    }
}

/// Connects, shakes hands and subscribes.
fn subscribe(address: &str, keys: &ClientKeys) -> Result<TcpStream> {
    let broke =
        |error: drivers_zmtp::protocol::ProtocolError| failure(format!("the handshake failed: {error}"));
    let mut stream = TcpStream::connect(address).map_err(cannot(format!("connect to {address}")))?;
    let (mut out, mut arrived) = (Vec::new(), Vec::new());
    let mut machine = Handshake::connector(SocketType::Sub, &mut out).curve_client(keys).map_err(broke)?;
    let mut session = loop {
        stream.write_all(&std::mem::take(&mut out)).map_err(cannot("write to the server"))?;
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).map_err(cannot("read from the server"))?;
        if count == 0 {
            return Err(failure("the server closed the connection in the handshake"));
        }
        arrived.extend_from_slice(bytes.get(..count).unwrap_or_default());
        let (used, met) = machine.take(&arrived, &mut out).map_err(broke)?;
        arrived.drain(..used);
        if met.is_some() {
            break machine.take_session().ok_or_else(|| failure("the handshake made no session"))?;
        }
    };
    let mut frames = Vec::new();
    Command::Subscribe(b"").put(&mut frames);
    session.sealer.seal(&frames, usize::MAX, &mut out).map_err(broke)?;
    stream.write_all(&out).map_err(cannot("subscribe"))?;
    stream.set_nonblocking(true).map_err(cannot("make a socket nonblocking"))?;
    Ok(stream)
}

fn read_all(epoll: &OwnedFd, streams: &mut [(TcpStream, CountedStream)], shared: &Shared) -> Result<()> {
    const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    let (mut ready, mut buffer) = (Vec::with_capacity(64), vec![0; 256 * 1024]);
    while !shared.stopping.load(Ordering::Relaxed) {
        match epoll::wait(epoll, spare_capacity(&mut ready), Some(&PATIENCE)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(cannot("wait for the sockets")(error)),
        }
        for event in ready.drain(..) {
            let place = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            let Some((stream, counted)) = streams.get_mut(place) else { continue };
            match stream.read(&mut buffer) {
                Ok(0) => {
                    return Err(failure(format!("the server closed the connection of subscriber {place}")));
                }
                Ok(count) => counted.take(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(cannot(format!("read at subscriber {place}"))(error)),
            }
        }
        let counts = || streams.iter().map(|(_, counted)| counted.events());
        shared.delivered.store(counts().sum(), Ordering::Relaxed);
        shared.slowest.store(counts().min().unwrap_or(0), Ordering::Relaxed);
    }
    Ok(())
}

/// How often a condition over the counters is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(1);
