use std::collections::BTreeSet;

use pubsub_api::Result;
use serde_json::Value as Json;
use tokio::sync::{mpsc, oneshot};

use super::NodeCore;
use crate::node::local_service::{LocalService, duplicate, no_service, no_table};
use crate::node::{Beginning, LocalRules};
use crate::service::ServiceInput;
use crate::tables::PublishEffect;
use crate::{NodeEntry, ServiceEntry, ServiceId, ServiceState, StreamName, TableId};

/// The services of the node, and the tables that they publish.
impl NodeCore {
    /// Adds a service with its tables and hooks, and announces it. One that replaces another keeps the tables that both declare,
    /// the calls that run and the callers of `drain`. If the entry of the node becomes too large, nothing remains of it.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](pubsub_api::ErrorKind::AlreadyExists) for a second service of one name;
    /// [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) if the entry of the node would exceed its bound.
    pub(super) fn start_service(
        &mut self,
        service: ServiceId,
        mut entry: ServiceEntry,
        inputs: mpsc::Sender<ServiceInput>,
        beginning: Beginning,
        mut rules: LocalRules,
    ) -> Result<()> {
        self.check_publishing(&service, entry.tables.keys())?;
        let old = match (self.services.remove(&service), beginning) {
            (Some(old), Beginning::New) => {
                self.services.insert(service.clone(), old);
                return duplicate(&service);
            }
            (old, _) => old,
        };
        if entry.rank.is_some() {
            entry.rank = old.as_ref().and_then(|old| old.entry.rank).or(Some(self.next_rank(&service)));
        }
        self.begin_tables(&service, old.as_ref().map(|old| &old.entry), &mut entry, beginning);
        for (table, hook) in std::mem::take(&mut rules.prepush).0 {
            self.published.set_prepush(&self.own_stream(&service, &table), hook)?;
        }
        let local = match old {
            Some(old) => {
                let LocalRules { leader_only, with_parts, admission, .. } = rules;
                LocalService { entry, inputs, leader_only, with_parts, admission, ..old }
            }
            None => LocalService::new(entry, inputs, rules),
        };
        self.services.insert(service.clone(), local);
        if let Err(error) = self.publish_entry() {
            self.services.remove(&service);
            self.published.withdraw(&service);
            return Err(error);
        }
        self.callee.resume(&service);
        self.reconcile();
        Ok(())
    }

    /// The rank of an instance of a service that starts now: the time, but after every instance that is known.
    fn next_rank(&self, service: &ServiceId) -> u64 {
        let since_start = u64::try_from(self.now.as_micros()).unwrap_or(u64::MAX);
        self.me.boot.saturating_add(since_start).max(self.membership.registry().last_rank(service))
    }

    /// Announces a state of a service.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](pubsub_api::ErrorKind::NotFound) if the node runs no such service.
    pub(super) fn set_state(&mut self, service: &ServiceId, state: ServiceState) -> Result<()> {
        let Some(local) = self.services.get_mut(service) else { return Err(no_service(service)) };
        local.entry.state = state;
        self.publish_entry()
    }

    /// Refuses new calls of a service, and replies when those that run have ended.
    pub(super) fn drain(&mut self, service: &ServiceId, reply: oneshot::Sender<Result<()>>) {
        self.callee.drain(service);
        if let Err(error) = self.set_state(service, ServiceState::Draining) {
            drop(reply.send(Err(error)));
        } else if let Some(local) = self.services.get_mut(service) {
            local.drains.push(reply);
            local.report_drained();
        }
    }

    /// Removes a service: its tables and subscriptions end, and its calls when they have finished.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](pubsub_api::ErrorKind::NotFound) if the node runs no such service.
    pub(super) fn stop_service(&mut self, service: &ServiceId) -> Result<()> {
        let Some(stopped) = self.services.remove(service) else { return Err(no_service(service)) };
        self.published.withdraw(service);
        self.end_subscriptions_of(service);
        if stopped.running == 0 {
            self.callee.stopped(service, &mut self.effects.callee);
        }
        self.publish_entry()?;
        self.reconcile();
        Ok(())
    }

    /// Ends all services and subscriptions: the node leaves.
    pub(crate) fn stop_services(&mut self) {
        self.callee.drain_node();
        for (service, _) in std::mem::take(&mut self.services) {
            self.published.withdraw(&service);
        }
        self.subscriptions.values().for_each(|subscription| subscription.queue.close());
        self.subscriptions.clear();
    }

    /// Sends data outside the sequence of a table to its followers.
    ///
    /// # Errors
    /// As [`published_stream`](Self::published_stream); [`ErrorKind::Invalid`](pubsub_api::ErrorKind::Invalid) above its bound.
    pub(super) fn send_raw(&mut self, service: &ServiceId, table: TableId, value: Json) -> Result<()> {
        let stream = self.published_stream(service, &table)?;
        self.published.send_raw(&stream, value, &mut self.effects.published)
    }

    /// Returns the stream of a declared table.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](pubsub_api::ErrorKind::NotFound) for an unknown service or table; the text lists the tables.
    pub(super) fn published_stream(&self, service: &ServiceId, table: &TableId) -> Result<StreamName> {
        let stream = self.own_stream(service, table);
        let Some(local) = self.services.get(service) else { return Err(no_service(service)) };
        if local.entry.tables.contains_key(table) {
            Ok(stream)
        } else {
            Err(no_table(service, &stream, &local.entry))
        }
    }

    /// Returns the name of a stream of this instance, whether or not the table is declared.
    pub(super) fn own_stream(&self, service: &ServiceId, table: &TableId) -> StreamName {
        StreamName { instance: self.me.instance, service: service.clone(), table: table.clone() }
    }

    /// Publishes what this node offers and wants, if that has changed.
    pub(super) fn publish_entry(&mut self) -> Result<()> {
        let services = self.services.iter().map(|(id, local)| (id.clone(), local.public_entry())).collect();
        let entry = NodeEntry { services, subscriptions: self.followed_streams() };
        self.membership.set_entry(entry, &mut self.effects.membership)
    }

    /// Reports to each published table its subscribers.
    pub(super) fn update_followers(&mut self) {
        let streams: BTreeSet<StreamName> = self
            .services
            .iter()
            .flat_map(|(service, local)| {
                local.entry.tables.keys().map(|table| self.own_stream(service, table))
            })
            .collect();
        self.lags.keep_tables(|stream| streams.contains(stream));
        for stream in streams {
            let followers = self.admitted_followers(&stream);
            self.lags.keep(&stream, &followers);
            if followers.iter().any(|follower| *follower != self.me.instance) {
                self.followed_elsewhere.insert(stream.clone());
            } else {
                self.followed_elsewhere.remove(&stream);
            }
            self.published.followers(&stream, &followers, &mut self.effects.published);
        }
    }

    /// Does what the published tables demand: sends a message, or calls a hook of the service.
    pub(super) fn publish_effect(&mut self, effect: PublishEffect) {
        match effect {
            PublishEffect::Send(outgoing) => self.send(outgoing),
            PublishEffect::FirstFollower(stream) => {
                self.send_hook(&stream, ServiceInput::FirstSubscriber(stream.table.clone()));
            }
            PublishEffect::TooManyRequests { peer, refused } => {
                tracing::warn!(id = "SK1013", %peer, refused, "dropped requests for tables: the peer requests more than its share; it repeats them");
            }
            PublishEffect::NoFollower(stream) => {
                self.send_hook(&stream, ServiceInput::NoSubscriber(stream.table.clone()));
            }
        }
    }

    fn send_hook(&self, stream: &StreamName, hook: ServiceInput) {
        if let Some(local) = self.services.get(&stream.service)
            && !local.send(hook)
        {
            tracing::warn!(id = "SK1014", %stream, "a subscriber hook did not run: the queue of its service is full");
        }
    }
}
