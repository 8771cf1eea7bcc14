//! Links that begin, break and end.

use tokio::time::Instant;

use super::State;
use crate::bound_publisher::BoundPublisher;
use crate::endpoint::BROKER;
use crate::open_subscriber::{OpenSubscriber, Phase};

impl State {
    /// Starts a subscriber.
    pub(crate) fn run(&mut self, id: u64) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return };
        if subscriber.phase != Phase::New {
            return;
        }
        subscriber.phase = Phase::Running;
        if self.is_broker && !self.is_broker_down {
            subscriber.link_up(Instant::now(), BROKER);
        }
        for publisher in self.linked_from(id) {
            self.report_up(publisher, id);
        }
    }

    /// Registers an endpoint; `true` if it is new.
    pub(crate) fn join(&mut self, id: u64, endpoint: &str) -> bool {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return false };
        let is_new = subscriber.addresses.insert(endpoint.to_owned());
        if is_new {
            for publisher in self.linked_from(id) {
                if self.publishers.get(&publisher).is_some_and(|publisher| publisher.endpoint == endpoint) {
                    self.report_up(publisher, id);
                }
            }
        }
        is_new
    }

    /// Unregisters an endpoint without a notice; `true` if it was registered.
    pub(crate) fn leave(&mut self, id: u64, endpoint: &str) -> bool {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return false };
        let is_known = subscriber.addresses.remove(endpoint);
        subscriber.room.notify_waiters();
        let mut lost = false;
        for publisher in self.publishers.values_mut().filter(|publisher| publisher.endpoint == endpoint) {
            lost |= publisher.requesters.values().any(|requester| *requester == id);
            publisher.forget(id);
        }
        if lost {
            subscriber.replies.lose(endpoint, "the address was unregistered", Instant::now());
            subscriber.wake.notify_waiters();
        }
        is_known
    }

    /// Ends a subscriber. What arrived can still be read.
    pub(crate) fn close(&mut self, id: u64) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return };
        subscriber.phase = Phase::Closed;
        subscriber.wake.notify_waiters();
        subscriber.room.notify_waiters();
        self.publishers.values_mut().for_each(|publisher| publisher.forget(id));
    }

    /// Removes a subscriber.
    pub(crate) fn remove(&mut self, id: u64) {
        self.close(id);
        self.subscribers.remove(&id);
    }

    /// Ends a publisher: its subscribers are notified after what it has sent.
    pub(crate) fn release(&mut self, id: u64) {
        if !self.is_broker {
            for subscriber in self.linked_to(id) {
                self.report_down(id, subscriber, "the publisher was closed");
            }
        }
        if let Some(publisher) = self.publishers.remove(&id) {
            publisher.wake.notify_waiters();
        }
    }

    /// Breaks the link from a publisher to a subscriber, and reports it.
    pub(crate) fn break_link(&mut self, from: &str, to: &str) {
        let pairs = self.pairs(from, to);
        if self.plan.set_broken(from, to, true) && !self.is_broker {
            for (publisher, subscriber) in pairs {
                self.report_down(publisher, subscriber, "the link was broken");
            }
        }
    }

    /// Restores a broken link, and reports it.
    pub(crate) fn restore_link(&mut self, from: &str, to: &str) {
        if self.plan.set_broken(from, to, false) && !self.is_broker {
            for (publisher, subscriber) in self.pairs(from, to) {
                self.report_up(publisher, subscriber);
            }
        }
    }

    /// Stops or starts the broker, and reports it to all subscribers.
    pub(crate) fn set_broker_down(&mut self, is_down: bool) {
        if !self.is_broker || self.is_broker_down == is_down {
            return;
        }
        self.is_broker_down = is_down;
        let now = Instant::now();
        for subscriber in
            self.subscribers.values_mut().filter(|subscriber| subscriber.phase == Phase::Running)
        {
            if is_down {
                subscriber.link_down(now, BROKER, "the broker has stopped");
            } else {
                subscriber.link_up(now, BROKER);
            }
        }
    }

    pub(super) fn is_linked(&self, publisher: &BoundPublisher, subscriber: &OpenSubscriber) -> bool {
        subscriber.phase == Phase::Running
            && !self.is_broker_down
            && (self.is_broker || subscriber.addresses.contains(&publisher.endpoint))
            && !self.plan.is_broken(&publisher.name, &subscriber.name)
    }

    /// The subscribers that a publisher is linked to.
    pub(super) fn linked_to(&self, publisher: u64) -> Vec<u64> {
        let Some(publisher) = self.publishers.get(&publisher) else { return Vec::new() };
        let linked = self.subscribers.iter().filter(|(_, subscriber)| self.is_linked(publisher, subscriber));
        linked.map(|(id, _)| *id).collect()
    }

    /// The publishers of a mesh that a subscriber is linked to.
    fn linked_from(&self, subscriber: u64) -> Vec<u64> {
        let Some(subscriber) = self.subscribers.get(&subscriber).filter(|_| !self.is_broker) else {
            return Vec::new();
        };
        let linked = self.publishers.iter().filter(|(_, publisher)| self.is_linked(publisher, subscriber));
        linked.map(|(id, _)| *id).collect()
    }

    /// The linked publishers and subscribers of two nodes.
    fn pairs(&self, from: &str, to: &str) -> Vec<(u64, u64)> {
        let mut pairs = Vec::new();
        for (id, publisher) in self.publishers.iter().filter(|(_, publisher)| publisher.name == from) {
            for (other, subscriber) in self.subscribers.iter().filter(|(_, subscriber)| subscriber.name == to)
            {
                if self.is_linked(publisher, subscriber) {
                    pairs.push((*id, *other));
                }
            }
        }
        pairs
    }

    pub(super) fn report_up(&mut self, publisher: u64, subscriber: u64) {
        let Some(publisher) = self.publishers.get(&publisher) else { return };
        let due = publisher.notice_due(subscriber, Instant::now());
        if let Some(subscriber) = self.subscribers.get_mut(&subscriber) {
            subscriber.link_up(due, &publisher.endpoint);
        }
    }

    fn report_down(&mut self, publisher: u64, id: u64, reason: &str) {
        let Some(publisher) = self.publishers.get_mut(&publisher) else { return };
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return };
        let now = Instant::now();
        subscriber.link_down(publisher.notice_due(id, now), &publisher.endpoint, reason);
        if publisher.requesters.values().any(|requester| *requester == id) {
            subscriber.replies.lose(&publisher.endpoint, reason, now);
            subscriber.room.notify_waiters();
        }
        publisher.forget(id);
    }
}
