use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::NodeCore;
use crate::tables::{FollowEffect, StreamPhase, TableUpdate};
use crate::{ChangedRows, KeyColumns, StreamName, SubscriptionId, TableEvent, TablePublisher};

/// What the followed streams bring, to the subscriptions.
impl NodeCore {
    pub(super) fn follow_effect(&mut self, effect: FollowEffect) {
        match effect {
            FollowEffect::Send(outgoing) => self.send(outgoing),
            FollowEffect::Update(updates) => {
                for update in &updates {
                    self.deliver(update);
                }
            }
            FollowEffect::Phase(stream, phase) => self.deliver_phase(&stream, phase),
            FollowEffect::Raw(stream, value) => self.deliver_raw(&stream, &value),
            FollowEffect::Refused(stream, text) => tracing::warn!(id = "SK1012", %stream, "{text}"),
        }
    }

    fn deliver(&mut self, update: &Arc<TableUpdate>) {
        self.lags.note_change(self.now);
        self.with_content.insert(update.stream.clone());
        let position = (update.position.epoch, update.position.sequence);
        let changes = Arc::new(ChangedRows::of(update));
        for (id, publisher) in self.subscriptions_of(&update.stream) {
            let Some(subscription) = self.subscriptions.get_mut(&id) else { continue };
            let Some(followed) = subscription.publishers.get_mut(&publisher) else { continue };
            if followed.denied.is_some() {
                continue;
            }
            if subscription.pull.is_some() {
                followed.is_dirty = true;
            } else if followed.shown.is_some_and(|shown| shown < position) {
                followed.shown = Some(position);
                if !changes.is_empty() {
                    let change = Arc::clone(&changes);
                    subscription.queue.push(TableEvent::Change { publisher, change });
                }
            }
        }
        self.show_rows(&update.stream);
    }

    /// Sends the whole table to those subscriptions of a stream that have none of its rows yet.
    pub(super) fn show_rows(&mut self, stream: &StreamName) {
        let subscriptions = self.subscriptions_of(stream);
        let is_pending = |(id, publisher): &(SubscriptionId, TablePublisher)| {
            let subscription = self.subscriptions.get(id).filter(|one| one.pull.is_none());
            subscription
                .and_then(|one| one.publishers.get(publisher))
                .is_some_and(|one| one.shown.is_none() && one.denied.is_none())
        };
        if !self.with_content.contains(stream) || !subscriptions.iter().any(is_pending) {
            return;
        }
        let Some((position, rows)) = self.followed.rows(stream) else { return };
        let (phase, key) = (self.followed.phase(stream), self.key_of(stream));
        for (id, publisher) in subscriptions.into_iter().filter(is_pending).collect::<Vec<_>>() {
            let Some(subscription) = self.subscriptions.get_mut(&id) else { continue };
            let Some(followed) = subscription.publishers.get_mut(&publisher) else { continue };
            followed.shown = Some((position.epoch, position.sequence));
            subscription.queue.push(match followed.earlier.take() {
                Some(earlier) => {
                    let change = Arc::new(ChangedRows::between(&key, earlier, &rows));
                    TableEvent::Change { publisher: publisher.clone(), change }
                }
                None => TableEvent::Snapshot { publisher: publisher.clone(), rows: rows.clone() },
            });
            // A reader that missed events may take older rows for current.
            let reason = followed.marked_stale.clone();
            let reason = reason.or_else(|| phase.and_then(reason_of).map(str::to_owned));
            followed.is_live = reason.is_none();
            subscription.queue.push(match reason {
                Some(reason) => TableEvent::Stale { publisher, reason },
                None => TableEvent::Live { publisher },
            });
        }
    }

    fn key_of(&self, stream: &StreamName) -> KeyColumns {
        let entry = self.membership.registry().entry_of(stream.instance);
        let service = entry.and_then(|entry| entry.services.get(&stream.service));
        service.and_then(|service| service.tables.get(&stream.table)).cloned().unwrap_or_default()
    }

    fn deliver_phase(&mut self, stream: &StreamName, phase: StreamPhase) {
        self.lags.note_change(self.now);
        for (id, publisher) in self.subscriptions_of(stream) {
            let Some(subscription) = self.subscriptions.get_mut(&id) else { continue };
            let Some(followed) = subscription.publishers.get_mut(&publisher) else { continue };
            if followed.shown.is_none() {
                continue;
            }
            match reason_of(phase) {
                Some(reason) => {
                    followed.is_live = false;
                    subscription.queue.push(TableEvent::Stale { publisher, reason: reason.to_owned() });
                }
                None if followed.marked_stale.is_some() => {}
                None => followed.report_live(&subscription.queue, publisher),
            }
        }
    }

    /// Reports the tables that their publishers have marked as stale, and those that are not any more.
    pub(super) fn deliver_marks(&mut self) {
        let registry = self.membership.registry();
        for subscription in self.subscriptions.values_mut() {
            for (publisher, followed) in &mut subscription.publishers {
                let stream = &followed.stream.clone();
                let Some(entry) = registry.entry_of(stream.instance) else { continue };
                let service = entry.services.get(&stream.service);
                let mark = service.and_then(|service| service.stale.get(&stream.table)).cloned();
                if followed.missing_since.is_some() || followed.marked_stale == mark {
                    continue;
                }
                followed.marked_stale.clone_from(&mark);
                let publisher = publisher.clone();
                match (followed.shown, mark) {
                    (None, _) => {}
                    (Some(_), Some(reason)) => {
                        followed.is_live = false;
                        subscription.queue.push(TableEvent::Stale { publisher, reason });
                    }
                    (Some(_), None) if self.followed.phase(stream) == Some(StreamPhase::Live) => {
                        followed.report_live(&subscription.queue, publisher);
                    }
                    (Some(_), None) => {}
                }
            }
        }
    }

    fn deliver_raw(&self, stream: &StreamName, value: &Json) {
        for (id, publisher) in self.subscriptions_of(stream) {
            let is_denied = |one: &super::LocalSubscription| {
                one.publishers.get(&publisher).is_some_and(|one| one.denied.is_some())
            };
            if let Some(subscription) = self.subscriptions.get(&id).filter(|one| !is_denied(one)) {
                subscription.queue.push(TableEvent::Raw { publisher, value: value.clone() });
            }
        }
    }

    /// Sends a subscription the whole table of each publisher, after it has missed changes.
    pub(super) fn resend_tables(&mut self, id: &SubscriptionId) {
        let Some(subscription) = self.subscriptions.get_mut(id) else { return };
        subscription.queue.end_lag();
        let mut streams = Vec::new();
        for followed in subscription.publishers.values_mut() {
            (followed.shown, followed.earlier, followed.is_dirty) = (None, None, true);
            streams.push(followed.stream.clone());
        }
        for stream in streams {
            self.show_rows(&stream);
        }
    }

    /// Sends pull subscriptions the tables that have changed, when they are due.
    pub(super) fn tick_subscriptions(&mut self) {
        let has_missing = |subscription: &super::LocalSubscription| {
            subscription.publishers.values().any(|followed| followed.missing_since.is_some())
        };
        if self.subscriptions.values().any(has_missing) {
            self.reconcile();
        }
        for subscription in self.subscriptions.values_mut() {
            let Some((due, interval)) = &mut subscription.pull else { continue };
            if *due > self.now {
                continue;
            }
            *due = self.now + *interval;
            for (publisher, followed) in &mut subscription.publishers {
                let is_new = followed.shown.is_none();
                if (is_new || followed.is_dirty)
                    && followed.denied.is_none()
                    && self.with_content.contains(&followed.stream)
                    && let Some((position, rows)) = self.followed.rows(&followed.stream)
                {
                    (followed.shown, followed.is_dirty) = (Some((position.epoch, position.sequence)), false);
                    subscription.queue.push(TableEvent::Snapshot { publisher: publisher.clone(), rows });
                }
            }
        }
    }

    pub(super) fn subscriptions_deadline(&self) -> Option<Duration> {
        let patience = self.options.forget_after;
        let pulls =
            self.subscriptions.values().filter_map(|subscription| subscription.pull.map(|(due, _)| due));
        let followed = self.subscriptions.values().flat_map(|subscription| subscription.publishers.values());
        let forgets = followed.filter_map(|followed| followed.missing_since.map(|since| since + patience));
        pulls.chain(forgets).min()
    }

    pub(super) fn subscriptions_of(&self, stream: &StreamName) -> Vec<(SubscriptionId, TablePublisher)> {
        self.by_stream.get(stream).cloned().unwrap_or_default()
    }
}

/// Why rows are not current in a phase; `None` if they are.
fn reason_of(phase: StreamPhase) -> Option<&'static str> {
    match phase {
        StreamPhase::Live => None,
        StreamPhase::Recovering => Some("changes are missing, or may be, and are requested"),
        StreamPhase::Stale => Some("the node of the publisher is silent or gone"),
        StreamPhase::Waiting | StreamPhase::Syncing => Some("the rows of the publisher are requested"),
    }
}
