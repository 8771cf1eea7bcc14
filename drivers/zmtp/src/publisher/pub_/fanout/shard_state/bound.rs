//! The bound of what is kept: who is too far behind gives up.

use std::time::Instant;

use pubsub_api::PeerId;

use super::ShardState;
use crate::publisher::pub_::fanout::close_reason::Leaving;

impl ShardState {
    /// While more is kept than may be, whoever is furthest behind gives up what it is behind with.
    pub(super) fn enforce_bound(&mut self) {
        self.let_go();
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
            self.let_go();
        }
    }

    fn give_up(&mut self, peer: PeerId) {
        let now = Instant::now();
        let Some(connection) = self.connections.get_mut(&peer) else { return };
        let missed = connection.fall_off(&mut self.window);
        self.core.readings.dropped.add(missed);
        let understands = connection.subscriptions.name_hello() || connection.subscriptions.cover_send_all();
        let cause = if understands { "told" } else { "disconnected" };
        if let Some(times) = self.core.readings.told.count(cause, now) {
            let address = connection.address;
            tracing::warn!(
                times,
                "{address} is behind by more than fanout_log_bytes, and misses {missed} events: {cause}"
            );
        }
        if !understands {
            self.close(peer, Leaving::Refused("slow_subscriber"), now);
        }
    }

    pub(super) fn let_go(&mut self) {
        let core = &self.core;
        self.window.trim(|buffer| core.recycle(buffer));
    }
}
