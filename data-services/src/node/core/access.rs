use std::collections::BTreeSet;

use pubsub_api::{Error, ErrorKind, Result};

use super::NodeCore;
use crate::packet::{Destination, Message, Outgoing};
use crate::service::Call;
use crate::tables::TableMessage;
use crate::{
    AccessAction, Address, CallError, CallErrorKind, Instance, NodeId, NodeInstance, ServiceId, StreamName,
    SubscribingNode, TableEvent, TableId,
};

/// The rules about publishers, subscribers and callers.
impl NodeCore {
    /// Checks that this node may publish tables of a service.
    pub(super) fn check_publishing<'a>(
        &self,
        service: &ServiceId,
        tables: impl IntoIterator<Item = &'a TableId>,
    ) -> Result<()> {
        for table in tables {
            let checked = self.check_access(AccessAction::Publish, &self.me.node, service, table);
            checked.map_err(|text| Error::new(ErrorKind::Invalid, text))?;
        }
        Ok(())
    }

    /// Checks that this node may subscribe to the service of a literal address; those of a pattern are left out when they
    /// appear.
    pub(super) fn check_subscribing(&self, address: &Address, table: &TableId) -> Result<()> {
        let Ok(service) = ServiceId::new(address.to_string()) else { return Ok(()) };
        let checked = self.check_access(AccessAction::Subscribe, &self.me.node, &service, table);
        checked.map_err(|text| Error::new(ErrorKind::Invalid, text))
    }

    /// Returns whether a node may publish a table, and this node subscribe to it.
    pub(super) fn may_be_followed(&self, publisher: &NodeId, service: &ServiceId, table: &TableId) -> bool {
        let check = |action, node| self.check_access(action, node, service, table).is_ok();
        check(AccessAction::Publish, publisher) && check(AccessAction::Subscribe, &self.me.node)
    }

    /// Checks that the node of a caller may call a method.
    pub(super) fn check_call(&self, service: &ServiceId, call: &Call) -> std::result::Result<(), CallError> {
        let (node, method) = (&call.caller.node, call.method.as_str());
        let checked = self.options.access.check(AccessAction::Call, node, service, method);
        checked.map_err(|text| CallError::new(CallErrorKind::Denied, text))
    }

    /// The nodes that follow a stream of this node and may do so.
    pub(super) fn admitted_followers(&mut self, stream: &StreamName) -> BTreeSet<Instance> {
        let mut followers = self.membership.registry().followers(stream);
        if let Some(local) = self.services.get_mut(&stream.service)
            && let Some(admission) = &mut local.admission
        {
            admission.keep(&stream.table, |instance| followers.contains(instance));
        }
        followers.retain(|instance| match self.membership.registry().node(*instance).cloned() {
            Some(node) => self.admit(stream, &node).is_ok(),
            None => false,
        });
        followers
    }

    /// Refuses a request for a table from a node that may not have it. Returns whether it was one.
    pub(super) fn refuse_follower(&mut self, source: &NodeInstance, message: &TableMessage) -> bool {
        if !matches!(message, TableMessage::Open(_) | TableMessage::Pull(_)) {
            return false;
        }
        let stream = message.stream().clone();
        let Err(reason) = self.admit(&stream, source) else { return false };
        let message = Message::Table(TableMessage::Denied { stream, reason });
        self.send(Outgoing { to: Destination::Instance(source.instance), message });
        true
    }

    /// Notes whether the publisher of a followed stream refuses this node.
    pub(super) fn note_denial(&mut self, message: &TableMessage) {
        let denial = match message {
            TableMessage::Denied { reason, .. } => Some(reason),
            TableMessage::Answered(_) | TableMessage::Page(_) => None,
            _ => return,
        };
        for (id, publisher) in self.subscriptions_of(message.stream()) {
            let Some(subscription) = self.subscriptions.get_mut(&id) else { continue };
            let Some(followed) = subscription.publishers.get_mut(&publisher) else { continue };
            if followed.denied.as_ref() != denial {
                followed.denied = denial.cloned();
                if let Some(reason) = denial {
                    followed.is_live = false;
                    subscription.queue.push(TableEvent::Stale { publisher, reason: reason.clone() });
                }
            }
        }
    }

    fn admit(&mut self, stream: &StreamName, node: &NodeInstance) -> std::result::Result<(), String> {
        self.check_access(AccessAction::Subscribe, &node.node, &stream.service, &stream.table)?;
        let local = self.services.get_mut(&stream.service);
        match local.and_then(|local| local.admission.as_mut()) {
            Some(admission) => {
                admission.admit(SubscribingNode { node: node.clone(), table: stream.table.clone() })
            }
            None => Ok(()),
        }
    }

    fn check_access(
        &self,
        action: AccessAction,
        node: &NodeId,
        service: &ServiceId,
        table: &TableId,
    ) -> std::result::Result<(), String> {
        self.options.access.check(action, node, service, table.as_str())
    }
}
