use serde_json::{Value as Json, json};

use super::NodeCore;
use crate::node::leader::{Leader, denied};
use crate::node::local_service::LocalService;
use crate::node::{LEAD, RELEASE};
use crate::service::Call;
use crate::{CallError, PeerState, ServiceId};

/// The leaders of the services of this node.
impl NodeCore {
    /// Answers a call of a method of the engine; `None` for a method of the service.
    pub(super) fn answer(&mut self, service: &ServiceId, call: &Call) -> Option<Result<Json, CallError>> {
        let method = call.method.as_str();
        if method != LEAD && method != RELEASE {
            return None;
        }
        let led = match self.accepting(service) {
            Ok(led) => led,
            Err(error) => return Some(Err(error)),
        };
        let term = match call.arguments::<u64>() {
            Ok(term) => term,
            Err(error) => return Some(Err(error)),
        };
        let is_caller = |leader: &Leader| leader.is(&call.caller, &call.caller_service);
        match &mut led.leader {
            Some(other) if !is_caller(other) => return Some(Err(denied(service, Some(other)))),
            // A later leadership of the caller stays.
            leader if method == RELEASE => drop(leader.take_if(|leader| leader.term == term)),
            Some(leader) => leader.term = term,
            leader => {
                let (node, caller) = (call.caller.clone(), call.caller_service.clone());
                *leader = Some(Leader { node, service: caller, term, is_registered: false });
            }
        }
        self.end_leaderships();
        Some(Ok(json!({"node": self.me.node, "service": service})))
    }

    /// Ends the leadership of services that have stopped, and of those on nodes that are down or have left.
    pub(super) fn end_leaderships(&mut self) {
        let registry = self.membership.registry();
        for (service, led) in &mut self.services {
            let Some(leader) = &mut led.leader else { continue };
            let is_there = match registry.entry_of(leader.node.instance) {
                Some(entry) if entry.services.contains_key(&leader.service) => {
                    leader.is_registered = true;
                    true
                }
                // Its call may have overtaken its entry.
                Some(_) => !leader.is_registered,
                None => registry.state_of(leader.node.instance) == Some(PeerState::Joining),
            };
            if !is_there {
                tracing::info!(id = "SK1008", %service, %leader, "the leader of a service is gone: another can become the leader");
                led.leader = None;
            }
        }
    }
}

impl LocalService {
    /// Checks that a call of a leader-only method is one of the leader.
    pub(super) fn check_leader(&self, service: &ServiceId, call: &Call) -> Result<(), CallError> {
        let is_leader = |leader: &Leader| leader.is(&call.caller, &call.caller_service);
        let is_allowed =
            !self.leader_only.contains(&call.method) || self.leader.as_ref().is_some_and(is_leader);
        if is_allowed { Ok(()) } else { Err(denied(service, self.leader.as_ref())) }
    }
}
