use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Error, ErrorKind, Result};

use super::NodeCore;
use crate::membership::{PeerState, Registry};
use crate::node::BusAction;
use crate::node::local_service::no_service;
use crate::service::EventQueue;
use crate::{Address, Row, ServiceId, StreamName, SubscriptionId, TableEvent, TableId, TablePublisher};

/// A subscription of a service of this node.
pub(super) struct LocalSubscription {
    pub(super) subscriber: ServiceId,
    pub(super) address: Address,
    pub(super) table: TableId,
    pub(super) queue: Arc<EventQueue>,
    pub(super) publishers: BTreeMap<TablePublisher, Followed>,
    /// When the next snapshots are due, and how often, for a pull subscription.
    pub(super) pull: Option<(Duration, Duration)>,
}

/// One publisher of a subscription.
pub(super) struct Followed {
    pub(super) stream: StreamName,
    /// The position up to which the subscriber has the rows; `None` before its first snapshot.
    pub(super) shown: Option<(u64, u64)>,
    /// Whether the last report to the subscriber was that the rows are current.
    pub(super) is_live: bool,
    /// A pull subscription has not had the latest rows.
    pub(super) is_dirty: bool,
    /// The rows of the earlier instance of the publisher, which the subscriber still has.
    pub(super) earlier: Option<Vec<Row>>,
    /// Why the publisher itself has marked the table as stale.
    pub(super) marked_stale: Option<String>,
    /// Why the publisher refuses this node.
    pub(super) denied: Option<String>,
    /// Since when the publisher is not offered any more.
    pub(super) missing_since: Option<Duration>,
}

impl Followed {
    /// Reports that the rows are current, unless that was reported last.
    pub(super) fn report_live(&mut self, queue: &EventQueue, publisher: TablePublisher) {
        if !std::mem::replace(&mut self.is_live, true) {
            queue.push(TableEvent::Live { publisher });
        }
    }
}

impl LocalSubscription {
    pub(super) fn new(
        subscriber: ServiceId,
        address: Address,
        table: TableId,
        interval: Option<Duration>,
        queue: Arc<EventQueue>,
        now: Duration,
    ) -> Self {
        let pull = interval.map(|interval| (now, interval));
        Self { subscriber, address, table, queue, publishers: BTreeMap::new(), pull }
    }

    /// Takes over the current publishers. A publisher that is offered no more is only marked; one that was started again is
    /// followed on its new stream, and keeps the rows of the old one until then.
    fn accept(
        &mut self,
        offered: BTreeMap<TablePublisher, StreamName>,
        now: Duration,
        rows_of: impl Fn(&StreamName) -> Option<Vec<Row>>,
    ) {
        for (publisher, followed) in &mut self.publishers {
            if !offered.contains_key(publisher) {
                followed.missing_since.get_or_insert(now);
            }
        }
        for (publisher, stream) in offered {
            let new = || Followed {
                stream: stream.clone(),
                shown: None,
                is_live: false,
                is_dirty: false,
                earlier: None,
                marked_stale: None,
                denied: None,
                missing_since: None,
            };
            let followed = self.publishers.entry(publisher).or_insert_with(new);
            followed.missing_since = None;
            if followed.stream != stream {
                if followed.shown.take().is_some() {
                    followed.earlier = rows_of(&followed.stream);
                }
                followed.stream = stream;
                followed.denied = None;
            }
        }
    }
}

/// The subscriptions of the node, and the streams that it follows for them.
impl NodeCore {
    pub(super) fn subscribe(&mut self, id: SubscriptionId, new: LocalSubscription) -> Result<()> {
        if !self.services.contains_key(&new.subscriber) {
            return Err(no_service(&new.subscriber));
        }
        if self.subscriptions.contains_key(&id) {
            let text = format!("this node has a subscription {id} already; choose another id");
            return Err(Error::new(ErrorKind::AlreadyExists, text));
        }
        self.check_subscribing(&new.address, &new.table)?;
        self.subscriptions.insert(id, new);
        self.reconcile();
        Ok(())
    }

    /// Ends a subscription; an unknown one changes nothing. Streams that no other subscription follows are left.
    pub(super) fn unsubscribe(&mut self, id: &SubscriptionId) {
        if let Some(ended) = self.subscriptions.remove(id) {
            ended.queue.close();
            self.reconcile();
        }
    }

    /// Ends the subscriptions of a service that stops.
    pub(super) fn end_subscriptions_of(&mut self, service: &ServiceId) {
        let ends = |subscription: &LocalSubscription| subscription.subscriber == *service;
        self.subscriptions.retain(|_, subscription| {
            let ended = ends(subscription);
            if ended {
                subscription.queue.close();
            }
            !ended
        });
    }

    /// Compares what the subscriptions want with what the registry offers, and follows what is new.
    pub(super) fn reconcile(&mut self) {
        self.subscriptions.retain(|_, subscription| !subscription.queue.is_closed());
        let before: BTreeSet<StreamName> = self.by_stream.keys().cloned().collect();
        let mut offers = BTreeMap::new();
        for (id, subscription) in &self.subscriptions {
            offers.insert(id.clone(), self.offers(subscription));
        }
        for (id, offered) in offers {
            if let Some(subscription) = self.subscriptions.get_mut(&id) {
                let rows_of = |stream: &StreamName| self.followed.rows(stream).map(|(_, rows)| rows);
                subscription.accept(offered, self.now, rows_of);
            }
        }
        self.end_gone_publishers();
        self.end_leaderships();
        let after = self.followed_streams();
        for stream in after.difference(&before) {
            self.actions.push(BusAction::Follow(stream.clone()));
            self.followed.follow(self.now, stream.clone(), &mut self.effects.followed);
        }
        for stream in before.difference(&after) {
            self.actions.push(BusAction::Unfollow(stream.clone()));
            self.with_content.remove(stream);
            self.followed.unfollow(self.now, stream, &mut self.effects.followed);
        }
        if before != after
            && let Err(error) = self.publish_entry()
        {
            tracing::warn!(id = "SK1010", %error, "the subscriptions of this node cannot be announced");
        }
        self.index_streams();
        self.deliver_marks();
        for stream in &after {
            self.show_rows(stream);
        }
        self.update_followers();
    }

    /// The publishers that a subscription reaches now.
    fn offers(&self, subscription: &LocalSubscription) -> BTreeMap<TablePublisher, StreamName> {
        let listeners = self.membership.registry().active_listeners(&subscription.address);
        let publishing =
            listeners.into_iter().filter(|(_, _, entry)| entry.tables.contains_key(&subscription.table));
        publishing
            .filter(|(peer, service, _)| self.may_be_followed(&peer.node, service, &subscription.table))
            .map(|(peer, service, _)| {
                let publisher = TablePublisher { node: peer.node.clone(), service: service.clone() };
                let table = subscription.table.clone();
                (publisher, StreamName { instance: peer.instance, service: service.clone(), table })
            })
            .collect()
    }

    /// Returns the streams that the subscriptions of this node follow.
    pub(super) fn followed_streams(&self) -> BTreeSet<StreamName> {
        let all = self.subscriptions.values().flat_map(|subscription| subscription.publishers.values());
        all.map(|followed| followed.stream.clone()).collect()
    }

    /// Returns whether a subscription of this node follows the stream.
    pub(super) fn is_followed_here(&self, stream: &StreamName) -> bool {
        self.by_stream.contains_key(stream)
    }

    fn index_streams(&mut self) {
        self.by_stream.clear();
        for (id, subscription) in &self.subscriptions {
            for (publisher, followed) in &subscription.publishers {
                let entry = self.by_stream.entry(followed.stream.clone()).or_default();
                entry.push((id.clone(), publisher.clone()));
            }
        }
    }

    /// Removes publishers that have stopped or left, and those that have been down for too long.
    fn end_gone_publishers(&mut self) {
        let registry = self.membership.registry();
        let (now, patience) = (self.now, self.options.forget_after);
        for subscription in self.subscriptions.values_mut() {
            let queue = &subscription.queue;
            let successors = shown_successors(registry, &subscription.publishers);
            subscription.publishers.retain(|publisher, followed| {
                let Some(since) = followed.missing_since else { return true };
                let is_shown = successors.get(&publisher.service);
                if is_shown == Some(&false) && now.saturating_sub(since) < patience {
                    return true;
                }
                let is_member =
                    |state| matches!(state, PeerState::Joining | PeerState::Up | PeerState::Suspect);
                let has_returned =
                    registry.peers().any(|(peer, state)| peer.node == publisher.node && is_member(state));
                // The successor of a node that crashed makes its predecessor leave, before it offers the service again.
                let is_down = match registry.state_of(followed.stream.instance) {
                    Some(PeerState::Down) => true,
                    Some(PeerState::Left) => has_returned,
                    _ => false,
                };
                if is_shown.is_none() && is_down && now.saturating_sub(since) < patience {
                    return true;
                }
                let removed = match followed.shown {
                    Some(_) => self.followed.rows(&followed.stream).map(|(_, rows)| rows),
                    None => followed.earlier.take(),
                };
                let removed = removed.unwrap_or_default();
                let reason = match is_shown {
                    Some(_) => "another instance of the service is active",
                    None if is_down => "the node is down",
                    None => "the service or its node has stopped",
                };
                let publisher = publisher.clone();
                queue.push(TableEvent::Gone { publisher, removed, reason: reason.to_owned() });
                false
            });
        }
    }
}

/// The services of which an active instance is followed in place of another, and whether the subscriber has its rows.
fn shown_successors(
    registry: &Registry,
    publishers: &BTreeMap<TablePublisher, Followed>,
) -> BTreeMap<ServiceId, bool> {
    let is_ranked = |stream: &StreamName| {
        let service =
            registry.entry_of(stream.instance).and_then(|entry| entry.services.get(&stream.service));
        service.is_some_and(|service| service.rank.is_some())
    };
    let active = publishers.iter().filter(|(_, one)| one.missing_since.is_none() && is_ranked(&one.stream));
    active.map(|(publisher, one)| (publisher.service.clone(), one.shown.is_some())).collect()
}
