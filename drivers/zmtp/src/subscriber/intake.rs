//! Takes events from workers: accepts them, knows who they are, reads what they send in blocks.
//!
//! One task accepts, and looks after the socket file; one task reads for each worker. Nothing is copied: the events of a
//! block are named in a [`Batch`](pubsub_api::Batch), which is handed on through a queue of a few blocks. A worker whose
//! block waits for room is not read from, and those that wait get room in the order in which they came: one that floods
//! has its turn like the others (reliability.md P14).

mod acceptor;
mod block_queue;
mod blocks;
mod counters;
mod handshakes;
mod worker;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pubsub_api::{Batch, PeerReading, Status};
use tokio::sync::watch;

pub(super) use acceptor::{Acceptor, SharedClaim};
pub(super) use block_queue::BlockQueue;
use block_queue::BlockSender;
use counters::Counters;
use handshakes::Handshakes;

use crate::ZmtpSettings;

/// What the tasks of one intake share.
#[derive(Debug)]
pub(super) struct Intake {
    settings: ZmtpSettings,
    counters: Counters,
    handshakes: Handshakes,
    peers: Mutex<BTreeMap<u64, PeerReading>>,
    next_peer: AtomicU64,
}

/// The tasks' ends of the queue, and of the word to stop.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    blocks: BlockSender,
    stopping: watch::Receiver<bool>,
}

impl Intake {
    pub(super) fn new(settings: ZmtpSettings) -> Self {
        Self {
            handshakes: Handshakes::new(settings.max_handshakes),
            settings,
            counters: Counters::default(),
            peers: Mutex::default(),
            next_peer: AtomicU64::new(0),
        }
    }

    /// The queue, and the ends for tasks that stop when `stopping` says so.
    pub(super) fn queue(&self, stopping: watch::Receiver<bool>) -> (Ends, BlockQueue) {
        let (sender, queue) = BlockQueue::new(self.settings.recv_queue_events);
        (Ends { blocks: sender, stopping }, queue)
    }

    /// What is dropped after it was received.
    pub(super) fn refuse(&self, refused: pubsub_api::wire::WireError) {
        crate::wire::refuse(refused, &self.counters.dropped);
    }

    /// Counters and peers.
    pub(super) fn status(&self) -> Status {
        let peers = self.peers().values().cloned().collect();
        Status { counters: self.counters.read(), queues: Vec::new(), peers }
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<u64, PeerReading>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a block's events on; waits for room.
    async fn hand_on(&self, ends: &Ends, batch: Batch, bytes: usize) {
        self.counters.received.add(batch.len() as u64);
        ends.blocks.send(batch, bytes).await;
    }
}
