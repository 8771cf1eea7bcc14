//! Receives events from workers: accepts connections, checks credentials, reads events in blocks.
//!
//! One task accepts, and looks after the socket file; one task reads for each worker. Nothing is copied: the events of a
//! block are named in a [`Batch`](pubsub_api::Batch), which is handed on through a queue of a few blocks. A worker whose
//! block waits for room is not read from, and those that wait get room in the order in which they came: one that floods
//! gets its turn like the others (docs/guarantees.md#f14).
//!
//! The messages of a DEALER that introduces itself are numbered, and acknowledged up to a number.

mod acceptor;
mod acknowledgements;
mod block_queue;
mod blocks;
mod counters;
mod handshakes;
mod numbering;
mod stop;
mod worker;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pubsub_api::{PeerReading, Status};
use tokio::sync::watch;

pub(super) use acceptor::{Acceptor, SharedClaim};
use acknowledgements::Acknowledgements;
pub(super) use block_queue::BlockQueue;
use block_queue::BlockSender;
use counters::Counters;
use handshakes::Handshakes;
use stop::Stop;

use crate::ZmtpSettings;

/// What the tasks of one intake share.
#[derive(Debug)]
pub(super) struct Intake {
    settings: ZmtpSettings,
    counters: Counters,
    handshakes: Handshakes,
    acknowledgements: Acknowledgements,
    peers: Mutex<BTreeMap<u64, PeerReading>>,
    next_peer: AtomicU64,
}

/// The tasks' ends of the queue and of the stop signal.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    blocks: BlockSender,
    stopping: Stop,
}

impl Intake {
    pub(super) fn new(settings: ZmtpSettings) -> Self {
        Self {
            handshakes: Handshakes::new(settings.max_handshakes),
            settings,
            counters: Counters::default(),
            acknowledgements: Acknowledgements::default(),
            peers: Mutex::default(),
            next_peer: AtomicU64::new(0),
        }
    }

    /// The queue, and the ends for tasks that stop when `stopping` is set.
    pub(super) fn queue(&self, stopping: watch::Receiver<bool>) -> (Ends, BlockQueue) {
        let (sender, queue) = BlockQueue::new(self.settings.recv_queue_events);
        (Ends { blocks: sender, stopping: Stop::new(stopping) }, queue)
    }

    /// The acknowledgements to workers.
    pub(super) fn acknowledger(&self) -> &Acknowledgements {
        &self.acknowledgements
    }

    /// Counts and logs an event that is dropped after it was received.
    pub(super) fn refuse(&self, refused: pubsub_api::wire::WireError) {
        crate::wire::refuse(refused, &self.counters.dropped);
    }

    /// Counters and peers.
    pub(super) fn status(&self) -> Status {
        let peers = self.peers().values().cloned().collect();
        Status {
            counters: self.counters.read(),
            peers,
            refusals: self.counters.refusals(),
            ..Status::default()
        }
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<u64, PeerReading>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
