//! Writing to askers: a bounded amount at a time, so that events wait for it no longer.

use std::time::Instant;

use pubsub_api::PeerId;

use super::ShardState;
use crate::publisher::pub_::fanout::inbox::Inbox;

/// How much is written to askers before events have their turn again: half a millisecond, at what raw socket writes do over
/// loopback (benches/README.md).
const TURN_BYTES: u64 = 1024 * 1024;

impl ShardState {
    /// Notes that a connection has something to write and a socket that may take it.
    pub(super) fn make_ready(&mut self, peer: PeerId) {
        let is_asker = self.connections.get(&peer).is_some_and(|connection| connection.is_asker());
        match is_asker {
            true => self.ready_askers.push_back(peer),
            false => self.ready.push(peer),
        }
    }

    /// Takes the answers that were put for these peers.
    pub(in crate::publisher::pub_::fanout) fn take_answers(&mut self, peers: Vec<PeerId>) {
        for peer in peers {
            if self.connections.get_mut(&peer).is_some_and(|connection| connection.take_answers()) {
                self.ready_askers.push_back(peer);
            }
        }
    }

    /// Writes to the askers that are ready, each in turn, until their turn together is over.
    pub(in crate::publisher::pub_::fanout) fn write_answers(&mut self, inbox: &Inbox, now: Instant) {
        let start = self.core.readings.answer_bytes.get();
        for _ in 0..self.ready_askers.len() {
            let Some(peer) = self.ready_askers.pop_front() else { return };
            self.write_to(peer, inbox, now);
            if self.core.readings.answer_bytes.get().saturating_sub(start) >= TURN_BYTES {
                return;
            }
        }
    }

    /// Whether an asker waits for its turn.
    pub(in crate::publisher::pub_::fanout) fn has_ready_askers(&self) -> bool {
        !self.ready_askers.is_empty()
    }
}
