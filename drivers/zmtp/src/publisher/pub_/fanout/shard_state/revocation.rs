//! With CURVE: agents that may no longer be connected.

use std::sync::Arc;

use pubsub_api::PeerId;

use super::ShardState;

impl ShardState {
    /// The connections of agents that were removed since the last call, with the cause of their end.
    pub(super) fn revoked(&mut self) -> Vec<(PeerId, &'static str)> {
        let Some(agents) = &self.core.agents else { return Vec::new() };
        let authorized = agents.keys.authorized();
        if self.authorized.as_ref().is_some_and(|known| Arc::ptr_eq(known, &authorized)) {
            return Vec::new();
        }
        let is_revoked = |key| authorized.get(key).is_none();
        let revoked = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.agent.as_ref().is_some_and(is_revoked));
        let revoked = revoked.map(|(peer, _)| (*peer, "curve_key_removed")).collect();
        self.authorized = Some(authorized);
        revoked
    }
}
