//! Writing to requesters: a bounded amount at a time, so that events are not delayed for longer.

use std::time::Instant;

use pubsub_api::PeerId;

use super::ShardState;
use crate::publisher::pub_::fanout::inbox::Inbox;

/// How much is written to requesters before events have their turn again: half a millisecond, at what raw socket writes do over
/// loopback (benches/README.md).
const TURN_BYTES: u64 = 1024 * 1024;

impl ShardState {
    /// Notes that a connection has something to write and a socket that may take it.
    pub(super) fn make_ready(&mut self, peer: PeerId) {
        let is_requester = self.connections.get(&peer).is_some_and(|connection| connection.is_requester());
        match is_requester {
            true => self.ready_requesters.push_back(peer),
            false => self.ready.push(peer),
        }
    }

    /// Takes the replies that were put for these peers.
    pub(in crate::publisher::pub_::fanout) fn take_replies(&mut self, peers: Vec<PeerId>) {
        for peer in peers {
            if self.connections.get_mut(&peer).is_some_and(|connection| connection.take_replies()) {
                self.ready_requesters.push_back(peer);
            }
        }
    }

    /// Writes to the requesters that are ready, each in turn, until their common turn is over.
    pub(in crate::publisher::pub_::fanout) fn write_replies(&mut self, inbox: &Inbox, now: Instant) {
        let start = self.core.counters.answer_bytes.get();
        for _ in 0..self.ready_requesters.len() {
            let Some(peer) = self.ready_requesters.pop_front() else { return };
            self.write_to(peer, inbox, now);
            if self.core.counters.answer_bytes.get().saturating_sub(start) >= TURN_BYTES {
                return;
            }
        }
    }

    /// Whether a requester waits for its turn.
    pub(in crate::publisher::pub_::fanout) fn has_ready_requesters(&self) -> bool {
        !self.ready_requesters.is_empty()
    }
}
