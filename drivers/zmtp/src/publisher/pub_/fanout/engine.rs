mod replies;
mod status;

use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pubsub_api::{Backoff, EncodedEvent, FramedRun, PeerId, Topic};

use super::SubscriptionsSeen;
use super::acceptor::{Acceptor, Newcomer};
use super::block::Block;
use super::core::Core;
use super::encoder::Encoder;
use super::shard::Shard;
use crate::ZmtpSettings;
use crate::keys::AuthorizedFile;
use crate::request::RequestQueue;

/// A bound address, its connections, and the threads that serve them.
#[derive(Debug)]
pub(crate) struct Fanout {
    core: Arc<Core>,
    shards: Vec<Arc<Shard>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// The number of processors that this process may use.
    processors: usize,
}

/// The number of shards: the publishing thread writes for the first one, and a thread for the other. On 2 cores that gave a lower p50 than one
/// writer, at 100 subscribers (0.39 to 0.52 ms against 0.71 to 0.73) and at 500; more were not tried.
const SHARDS: usize = 2;

/// Up to this number of connections, the publishing thread writes to every shard: that ends before another thread would wake.
const INLINE: usize = 16;

/// With more connections than this in a shard, and as few processors as writers, the publishing thread writes a lone event to every
/// shard: whoever reads needs the other processor. Measured on 2 processors with the subscribers on the same host
/// (docs/measuring.md#one-writer-or-two).
const CROWD: usize = 128;

/// A backlog of fewer bytes is a lone event, or a few.
const LONE_BYTES: u64 = 4096;

impl Fanout {
    /// Starts to serve the connections of the listener.
    pub(crate) fn start(
        listener: TcpListener,
        settings: ZmtpSettings,
        seen: Arc<SubscriptionsSeen>,
        requests: Arc<RequestQueue>,
        agents: Option<AuthorizedFile>,
    ) -> io::Result<Self> {
        let core = Arc::new(Core::new(settings, seen, requests, agents));
        let shards: Vec<Arc<Shard>> =
            (0..SHARDS).map(|_| Shard::new(Arc::clone(&core)).map(Arc::new)).collect::<io::Result<_>>()?;
        let acceptor = Acceptor::new(listener, Arc::clone(&core));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let fanout = Self { core, shards, threads: Mutex::default(), processors };
        fanout.start_threads(acceptor)?;
        Ok(fanout)
    }

    fn start_threads(&self, acceptor: Acceptor) -> io::Result<()> {
        let mut acceptor = Some(acceptor);
        for (number, shard) in self.shards.iter().enumerate() {
            let (shard, places) = (Arc::clone(shard), Places::new(&self.shards));
            let acceptor = acceptor.take();
            if let Some(acceptor) = &acceptor {
                shard.watch(acceptor)?;
            }
            let run = move || shard.run(acceptor, |newcomer| places.give(newcomer));
            let thread = std::thread::Builder::new().name(format!("fanout-{number}")).spawn(run)?;
            self.threads().push(thread);
        }
        Ok(())
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes events, in order, and writes them as far as the sockets take them.
    pub(crate) fn publish<'a>(&self, events: impl Iterator<Item = EncodedEvent<'a>>) {
        let mut encoder = self.core.encoder();
        for event in events {
            if let Some(block) = encoder.put(event) {
                self.hand_out(block);
            }
        }
        if let Some(block) = encoder.finish() {
            self.hand_out(block);
        }
        drop(encoder);
        self.write_out();
    }

    /// Publishes events of a record that is laid out by our framing.
    pub(crate) fn publish_run(&self, run: FramedRun<'_>) {
        let mut encoder = self.core.encoder();
        encoder.put_run(run.block(), run.events(), &mut |block| self.hand_out(block));
        if let Some(block) = encoder.finish() {
            self.hand_out(block);
        }
        drop(encoder);
        self.write_out();
    }

    /// Publishes an event to one peer; `false` if it is gone or does not want the topic.
    pub(crate) fn publish_to(&self, peer: PeerId, topic: &Topic, payload: &Bytes) -> bool {
        let Some(shard) = self.shards.get(Places::shard_of(peer, self.shards.len())) else { return false };
        if !shard.state().wants(peer, topic) {
            return false;
        }
        let block = Arc::new(Encoder::for_one(peer, topic.as_bytes(), payload));
        let encoder = self.core.encoder();
        shard.leave_block(&block);
        drop(encoder);
        shard.write_out();
        true
    }

    fn hand_out(&self, block: Block) {
        let block = Arc::new(block);
        for shard in &self.shards {
            shard.leave_block(&block);
        }
    }

    /// Wakes the other shards first, so that they write meanwhile.
    fn write_out(&self) {
        let wake = |shard: &Arc<Shard>| {
            let is_woken = !self.writes_inline(shard);
            if is_woken {
                shard.wake();
            }
            is_woken
        };
        let woken: [bool; SHARDS] =
            std::array::from_fn(|number| number > 0 && self.shards.get(number).is_some_and(wake));
        for (shard, is_woken) in self.shards.iter().zip(woken) {
            match is_woken {
                true => shard.keep_up(),
                false if shard.connections() == 0 => {}
                false => shard.write_out(),
            }
        }
    }

    /// Whether the publishing thread writes to a shard after the first one itself.
    fn writes_inline(&self, shard: &Shard) -> bool {
        match shard.connections() {
            0..=INLINE => true,
            connections => {
                self.processors <= SHARDS && connections > CROWD && shard.backlog_bytes() < LONE_BYTES
            }
        }
    }

    /// Whether every connection has all that it wants.
    pub(crate) fn is_idle(&self) -> bool {
        self.shards.iter().all(|shard| shard.is_idle())
    }

    /// The number of connections with a backlog.
    pub(crate) fn behind(&self) -> usize {
        self.shards.iter().map(|shard| shard.state().behind()).sum()
    }

    /// Bytes written so far: whether anything moves.
    pub(crate) fn written(&self) -> u64 {
        self.core.counters.written()
    }

    /// Asks each of our subscribers to wait for its own time after the end of its connection, so that at most
    /// `reconnects_per_second` of them connect again in a second.
    pub(crate) fn announce_stop(&self) {
        let rate = f64::from(self.core.settings.reconnects_per_second);
        let mut times =
            (0_u32..).map(|number| Backoff::SHORTEST + Duration::from_secs_f64(f64::from(number) / rate));
        for shard in &self.shards {
            shard.state().announce_stop(&mut times);
            shard.write_out();
        }
    }

    /// Ends the threads, the listener, and the streams towards the peers. It waits for the threads, which need no longer than
    /// a turn.
    pub(crate) fn stop(&self) {
        self.core.stop();
        self.shards.iter().for_each(|shard| shard.wake());
        for thread in std::mem::take(&mut *self.threads()) {
            if thread.join().is_err() {
                tracing::error!(id = "SK0410", "a thread of the fan-out panicked");
            }
        }
        self.shards.iter().for_each(|shard| shard.state().end());
        self.core.requesters.leave_all();
    }

    /// Whether, after [`stop`](Self::stop), all peers have closed their ends, too.
    pub(crate) fn has_ended(&self) -> bool {
        let now = Instant::now();
        self.shards.iter().all(|shard| shard.state().has_ended(now))
    }
}

impl Drop for Fanout {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Gives each newcomer a number and a shard.
#[derive(Debug)]
struct Places {
    shards: Vec<Arc<Shard>>,
    next: AtomicU64,
}

impl Places {
    fn new(shards: &[Arc<Shard>]) -> Self {
        Self { shards: shards.to_vec(), next: AtomicU64::new(1) }
    }

    /// A peer's number names its shard.
    fn shard_of(peer: PeerId, shards: usize) -> usize {
        usize::try_from(peer.0).unwrap_or(0) % shards.max(1)
    }

    /// The first shard is filled until it has what one writer does well alone; then the emptier one.
    fn give(&self, newcomer: Newcomer) {
        let counts = self.shards.iter().map(|shard| shard.connections()).enumerate();
        let least =
            counts.min_by_key(|(number, count)| (*count + if *number > 0 { INLINE } else { 0 }, *number));
        let Some((number, _)) = least else { return };
        let Some(shard) = self.shards.get(number) else { return };
        let step = self.shards.len() as u64;
        let peer = PeerId(self.next.fetch_add(1, Ordering::Relaxed) * step + number as u64);
        shard.leave_newcomer(peer, newcomer);
    }
}
