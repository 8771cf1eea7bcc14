//! With CURVE: agents that may no longer be connected.

use std::sync::Arc;
use std::time::Instant;

use pubsub_api::PeerId;

use super::ShardState;
use crate::publisher::pub_::fanout::close_reason::CloseReason;

impl ShardState {
    /// Closes the connections of agents that were removed from the file since the last call. It is called however busy the shard is,
    /// and looks at the file a few times a second.
    pub(super) fn close_revoked(&mut self, now: Instant) {
        let Some(agents) = &self.core.agents else { return };
        agents.refresh(now);
        let authorized = agents.keys.authorized();
        if self.authorized.as_ref().is_some_and(|known| Arc::ptr_eq(known, &authorized)) {
            return;
        }
        let is_revoked = |key| authorized.get(key).is_none();
        let revoked = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.agent.as_ref().is_some_and(is_revoked));
        let revoked: Vec<PeerId> = revoked.map(|(peer, _)| *peer).collect();
        self.authorized = Some(authorized);
        for peer in revoked {
            self.close(peer, CloseReason::Refused("curve_key_removed"), now);
        }
    }
}
