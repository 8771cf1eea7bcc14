//! The bound of the kept blocks: the connection that is furthest behind loses its backlog.

use std::time::Instant;

use pubsub_api::PeerId;

use super::ShardState;
use crate::publisher::pub_::fanout::close_reason::CloseReason;

impl ShardState {
    /// While the blocks exceed the bound, drops the backlog of the connection that is furthest behind.
    pub(super) fn enforce_bound(&mut self) {
        self.release();
        while self.window.bytes() > self.core.settings.fanout_log_bytes {
            let Some(oldest) = self.window.oldest_needed() else { return };
            let behind: Vec<PeerId> = self
                .connections
                .iter()
                .filter(|(_, connection)| connection.stands_in() == Some(oldest))
                .map(|(peer, _)| *peer)
                .collect();
            for peer in behind {
                self.give_up(peer);
            }
            self.release();
        }
    }

    fn give_up(&mut self, peer: PeerId) {
        let now = Instant::now();
        let Some(connection) = self.connections.get_mut(&peer) else { return };
        let missed = connection.fall_off(&mut self.window);
        self.core.counters.dropped.add(missed);
        let understands = connection.subscriptions.name_hello() || connection.subscriptions.cover_send_all();
        let (cause, follows) = match understands {
            true => ("reported", "it will receive a notice"),
            false => ("disconnected", "it is disconnected"),
        };
        if let Some(times) = self.core.counters.reported.count(cause, now) {
            let name = connection.name();
            tracing::warn!(
                id = "SK0404",
                times,
                "dropped {missed} events for {name}: it is behind by more than fanout_log_bytes; {follows}"
            );
        }
        if !understands {
            self.close(peer, CloseReason::Refused("slow_subscriber"), now);
        }
    }

    pub(super) fn release(&mut self) {
        let core = &self.core;
        self.window.trim(|buffer| core.recycle(buffer));
    }
}
