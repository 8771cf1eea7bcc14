use std::collections::HashMap;

use super::NodeCore;
use crate::membership::Registry;
use crate::node::NewCall;
use crate::node::local_service::private;
use crate::{
    Address, CallError, CallErrorKind, Instance, InstanceChoice, NodeInstance, ServiceEntry, ServiceId,
    ServiceState,
};

/// The maximum number of addresses whose turns are remembered.
const ADDRESSES: usize = 1_000;

/// The number of calls to each address, by which its services take turns.
#[derive(Default)]
pub(super) struct Turns(HashMap<Address, usize>);

impl Turns {
    /// Returns the turn of the next call to an address, below `of`. With too many addresses, all begin again.
    fn next(&mut self, address: &Address, of: usize) -> usize {
        if self.0.len() >= ADDRESSES && !self.0.contains_key(address) {
            self.0.clear();
        }
        let turn = self.0.entry(address.clone()).or_default();
        let place = turn.checked_rem(of).unwrap_or_default();
        *turn = turn.wrapping_add(1);
        place
    }
}

/// The choice of the service that a call goes to.
impl NodeCore {
    /// The services that listen on the address of a call: on the node that it names, or all that are not on standby.
    pub(super) fn targets(&self, call: &NewCall) -> Vec<(NodeInstance, ServiceId, ServiceState)> {
        let listeners = listeners(self.membership.registry(), call).into_iter();
        listeners.map(|(peer, service, entry)| (peer.clone(), service.clone(), entry.state)).collect()
    }

    /// Chooses one service, if possible at another instance than `avoided`.
    pub(super) fn choose(
        &mut self,
        call: &NewCall,
        avoided: Option<Instance>,
    ) -> Result<(NodeInstance, ServiceId), CallError> {
        let mut candidates = listeners(self.membership.registry(), call);
        if candidates.is_empty() {
            return Err(self.no_listener(call));
        }
        candidates.retain(|(_, _, entry)| entry.state == ServiceState::Running);
        if candidates.is_empty() {
            let text = format!("service {} is stopping or starting again; retry later", call.address);
            return Err(CallError::new(CallErrorKind::Draining, text));
        }
        let me = self.me.instance;
        if candidates.len() > 1 {
            let turn = self.calls.turns.next(&call.address, candidates.len());
            candidates.rotate_left(turn);
        }
        let rank = |instance: Instance| match call.choice {
            InstanceChoice::LocalFirst => usize::from(instance != me),
            InstanceChoice::RoundRobin => 0,
            InstanceChoice::LeastPending => self.caller.pending_at(instance),
        };
        // Of equals, it is the first.
        let chosen = candidates
            .into_iter()
            .min_by_key(|(target, _, _)| (Some(target.instance) == avoided, rank(target.instance)));
        let Some((target, service, _)) = chosen else { return Err(self.no_listener(call)) };
        if call.method.is_private() && (target.instance != me || *service != call.caller) {
            return Err(private(service, &call.method));
        }
        Ok((target.clone(), service.clone()))
    }

    fn no_listener(&self, call: &NewCall) -> CallError {
        let place = match &call.node {
            Some(node) => format!("on node {node}"),
            None => format!("on bus {}", self.options.bus),
        };
        CallError::new(CallErrorKind::NoService, format!("no service listens on {} {place}", call.address))
    }
}

/// The services that listen on the address of a call, in the order of the registry.
fn listeners<'a>(
    registry: &'a Registry,
    call: &NewCall,
) -> Vec<(&'a NodeInstance, &'a ServiceId, &'a ServiceEntry)> {
    let Some(node) = &call.node else { return registry.active_listeners(&call.address) };
    let mut listeners = registry.listeners(&call.address);
    listeners.retain(|(peer, _, _)| peer.node == *node);
    listeners
}

#[cfg(test)]
mod tests {
    use super::{ADDRESSES, Turns};
    use crate::Address;

    #[test]
    fn the_services_of_each_address_take_turns_whatever_other_addresses_are_called() {
        let (one, other) = (Address::new("one").unwrap(), Address::new("other").unwrap());
        let mut turns = Turns::default();
        let places: Vec<_> = (0..4).map(|_| (turns.next(&one, 2), turns.next(&other, 3))).collect();
        assert_eq!(places, [(0, 0), (1, 1), (0, 2), (1, 0)]);
    }

    #[test]
    fn the_memory_of_turns_is_bounded() {
        let mut turns = Turns::default();
        for number in 0..3 * ADDRESSES {
            turns.next(&Address::new(format!("a{number}")).unwrap(), 2);
        }
        assert!(turns.0.len() <= ADDRESSES);
    }
}
