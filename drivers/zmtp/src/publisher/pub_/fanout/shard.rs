use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pubsub_api::PeerId;
use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::fd::OwnedFd;

use super::acceptor::{Acceptor, LISTENER, Newcomer};
use super::block::Block;
use super::close_reason::CloseReason;
use super::core::Core;
use super::inbox::Inbox;
use super::shard_state::ShardState;

/// Some of the connections, and the thread that waits for their sockets.
///
/// The thread that holds the lock of the state writes; the others leave blocks in the inbox, which the holder checks once more
/// after it released the lock.
#[derive(Debug)]
pub(super) struct Shard {
    core: Arc<Core>,
    state: Mutex<ShardState>,
    inbox: Inbox,
    epoll: OwnedFd,
    /// Written to wake the thread.
    wake: OwnedFd,
    awake: AtomicBool,
    connections: AtomicUsize,
    /// The bytes of its window after the last turn, for a reader without the lock.
    window_bytes: AtomicU64,
}

/// The token of the wake-up in epoll.
const WAKE: u64 = u64::MAX - 1;

/// How often deadlines and heartbeats are looked at.
const SWEEP: Duration = Duration::from_millis(250);

/// The same while there are as many handshakes as there may be.
const CROWDED_SWEEP: Duration = Duration::from_millis(50);

/// With more bytes than this in its inbox, a shard cannot keep up, and `publish` waits for it: the host is too slow, and no
/// subscriber may lose events for that.
const MAX_INBOX_BYTES: u64 = 4 * 1024 * 1024;

impl Shard {
    pub(super) fn new(core: Arc<Core>) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &wake, epoll::EventData::new_u64(WAKE), epoll::EventFlags::IN)?;
        Ok(Self {
            state: Mutex::new(ShardState::new(Arc::clone(&core))),
            core,
            inbox: Inbox::default(),
            epoll,
            wake,
            awake: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            window_bytes: AtomicU64::new(0),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ShardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections it has, or is about to have.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Leaves a block; the caller holds the lock of the encoder, so that all shards have one order.
    pub(super) fn leave_block(&self, block: &Arc<Block>) {
        if self.connections() > 0 {
            self.inbox.put(Arc::clone(block));
        }
    }

    /// The bytes of the blocks that were left and not yet taken.
    pub(super) fn backlog_bytes(&self) -> u64 {
        self.inbox.bytes()
    }

    /// The bytes that some connection has still to write, after the last turn.
    pub(super) fn window_bytes(&self) -> u64 {
        self.window_bytes.load(Ordering::Relaxed)
    }

    /// Leaves a connection, and wakes the thread.
    pub(super) fn leave_newcomer(&self, peer: PeerId, newcomer: Newcomer) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.inbox.put_newcomer(peer, newcomer);
        self.wake();
    }

    /// Notes that replies wait for a peer, and wakes the thread, which writes them.
    pub(super) fn leave_replies_of(&self, peer: PeerId) {
        self.inbox.put_answered(peer);
        self.wake();
    }

    /// Whether no event is on its way to any connection.
    pub(super) fn is_idle(&self) -> bool {
        self.inbox.bytes() == 0 && self.state().behind() == 0
    }

    /// Lets the thread write.
    pub(super) fn wake(&self) {
        if !self.awake.swap(true, Ordering::AcqRel) {
            // It can only fail when it was written 2^64 times and never read.
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        }
    }

    /// Writes out the inbox, unless another thread is writing: then that one does it. Waits for it if the inbox is too full.
    pub(super) fn write_out(&self) {
        loop {
            let state = if self.inbox.bytes() > MAX_INBOX_BYTES {
                Some(self.state())
            } else {
                match self.state.try_lock() {
                    Ok(state) => Some(state),
                    Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                    Err(std::sync::TryLockError::WouldBlock) => None,
                }
            };
            let Some(mut state) = state else { return };
            self.turn(&mut state, Instant::now());
            drop(state);
            if self.inbox.bytes() == 0 {
                return;
            }
        }
    }

    /// Waits until the inbox holds no more than it may.
    pub(super) fn keep_up(&self) {
        if self.inbox.bytes() > MAX_INBOX_BYTES {
            self.write_out();
        }
    }

    fn turn(&self, state: &mut ShardState, now: Instant) {
        state.take_blocks(self.inbox.take_blocks());
        state.write_out(&self.inbox, now);
        if state.has_talkative() || state.has_ready_requesters() {
            self.wake();
        }
        self.connections.store(state.connections() + self.inbox.newcomers(), Ordering::Relaxed);
        self.window_bytes.store(state.window_bytes(), Ordering::Relaxed);
    }

    /// The thread: waits for sockets, reads and writes, until the fan-out is stopped. The shard that is given the acceptor
    /// accepts, and gives newcomers to `place`.
    pub(super) fn run(&self, mut acceptor: Option<Acceptor>, place: impl Fn(Newcomer)) {
        let mut events = Vec::with_capacity(256);
        let mut next_sweep = Instant::now() + SWEEP;
        while !self.core.is_stopping() {
            let pause = acceptor.as_ref().and_then(Acceptor::paused_until);
            let until = pause.map_or(next_sweep, |until| until.min(next_sweep)).max(Instant::now());
            self.wait(&mut events, until);
            let now = Instant::now();
            let mut state = self.state();
            let accepts = self.hear(&mut state, &mut events, now);
            state.hear_on(&self.inbox, now);
            state.take_replies(self.inbox.take_answered());
            state.write_replies(&self.inbox, now);
            for (peer, newcomer) in self.inbox.take_newcomers() {
                self.take_in(&mut state, peer, newcomer, now);
            }
            if now >= next_sweep {
                // If we were suspended while we waited, peers are heard first and judged the next time.
                if now.saturating_duration_since(until) < SWEEP {
                    state.look_at_the_clock(now);
                }
                next_sweep = now + if self.core.is_crowded() { CROWDED_SWEEP } else { SWEEP };
            }
            self.turn(&mut state, now);
            drop(state);
            self.write_out();
            if let Some(acceptor) = &mut acceptor {
                acceptor.resume(&self.epoll, now);
                if accepts {
                    acceptor.accept(&self.epoll, now).into_iter().for_each(&place);
                }
            }
        }
    }

    /// Handles the ready sockets. Returns whether the listener is one of them.
    fn hear(&self, state: &mut ShardState, events: &mut Vec<epoll::Event>, now: Instant) -> bool {
        let mut accepts = false;
        for event in events.drain(..) {
            match event.data.u64() {
                WAKE => self.settle(),
                LISTENER => accepts = true,
                peer => {
                    let flags = event.flags;
                    let writable = flags.contains(epoll::EventFlags::OUT);
                    let readable = flags.intersects(READ);
                    state.on_ready(PeerId(peer), readable, writable, &self.inbox, now);
                }
            }
        }
        accepts
    }

    /// Waits for events, at most until the next sweep.
    fn wait(&self, events: &mut Vec<epoll::Event>, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match epoll::wait(&self.epoll, spare_capacity(events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => tracing::error!(id = "SK0402", "epoll_wait failed: {errno}"),
        }
    }

    /// Takes the wake-up. A wake-up between the two steps writes nothing, and need not: the inbox is read after both.
    fn settle(&self) {
        let _ = rustix::io::read(&self.wake, &mut [0_u8; 8]);
        self.awake.store(false, Ordering::Release);
    }

    fn take_in(&self, state: &mut ShardState, peer: PeerId, newcomer: Newcomer, now: Instant) {
        state.take_in(peer, newcomer, now);
        let watched = state.stream(peer).map(|stream| {
            epoll::add(
                &self.epoll,
                stream,
                epoll::EventData::new_u64(peer.0),
                READ | epoll::EventFlags::OUT | epoll::EventFlags::ET,
            )
        });
        if let Some(Err(errno)) = watched {
            state.close(peer, CloseReason::Gone(errno.into()), now);
        }
    }

    /// Lets the listener of the acceptor be watched by this shard.
    pub(super) fn watch(&self, acceptor: &Acceptor) -> io::Result<()> {
        acceptor.watch(&self.epoll)
    }
}

/// Data, or an end, which a read returns.
const READ: epoll::EventFlags = epoll::EventFlags::IN
    .union(epoll::EventFlags::RDHUP)
    .union(epoll::EventFlags::HUP)
    .union(epoll::EventFlags::ERR);
