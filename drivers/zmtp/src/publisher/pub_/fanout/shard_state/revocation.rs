//! With CURVE: agents that may no longer be connected, or that have other rights now.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use pubsub_api::PeerId;

use super::ShardState;
use crate::protocol::curve::AuthorizedAgents;
use crate::publisher::pub_::fanout::close_reason::CloseReason;
use crate::publisher::pub_::fanout::connection::Agent;
use crate::wall_clock::wall_clock;

impl ShardState {
    /// Closes the connections of agents that were removed from the file since the last call, that have other rights there, or whose
    /// keys have expired. It is called however busy the shard is, and looks at the file a few times a second.
    pub(super) fn close_revoked(&mut self, now: Instant) {
        let Some(agents) = &self.core.agents else { return };
        agents.refresh(now);
        let authorized = agents.keys().authorized();
        let is_known = self.authorized.as_ref().is_some_and(|known| Arc::ptr_eq(known, &authorized));
        let clock = self.expires.map(|_| wall_clock());
        let is_due = clock.is_some_and(|clock| self.expires.is_some_and(|expires| expires <= clock));
        if is_known && !is_due {
            return;
        }
        let clock = clock.unwrap_or_else(wall_clock);
        let agents = || self.connections.iter().filter_map(|(peer, it)| Some((*peer, it.agent.as_deref()?)));
        let revoked: Vec<(PeerId, &str)> =
            agents().filter_map(|(peer, agent)| Some((peer, revoked(agent, &authorized, clock)?))).collect();
        let expiry = |agent: &Agent| authorized.get(&agent.known.key)?.expires.filter(|at| *at > clock);
        self.expires = agents().filter_map(|(_, agent)| expiry(agent)).min();
        self.authorized = Some(authorized);
        for (peer, cause) in revoked {
            self.close(peer, CloseReason::Refused(cause), now);
        }
    }
}

/// Why a connected agent has to leave, by the name of the counter.
fn revoked(agent: &Agent, authorized: &AuthorizedAgents, now: SystemTime) -> Option<&'static str> {
    match authorized.get(&agent.known.key) {
        None => Some("curve_key_removed"),
        Some(known) if known.is_expired(now) => Some("curve_key_expired"),
        // It connects again, and is served by its new rights.
        Some(known) if known.rights != agent.known.rights => Some("curve_rights_changed"),
        Some(_) => None,
    }
}
