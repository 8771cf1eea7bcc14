//! How events are applied to the cache: one that was parsed, or a run of one topic whose rows are known.

use std::time::Duration;

use bytes::Bytes;
use pubsub_api::wire::{RowRef, RowSpan};

use super::compacted::TopicChange;
use super::{Rows, SnapshotCache, name_row, size, write_name};
use crate::Position;
use crate::publisher::sync::unfit::Unfit;

impl SnapshotCache {
    /// Applies the topic's next event (`None`: a loss record). Returns the topics that lost their snapshots, with the reason;
    /// that includes a topic whose sequence 1 was never read.
    pub(in crate::publisher::sync) fn observe(
        &mut self,
        topic: &[u8],
        at: Position,
        event: Option<(&RowRef<'_>, &[u8])>,
        now: Duration,
    ) -> Vec<(Bytes, Unfit)> {
        let Some((event, payload)) = event.filter(|_| self.expects(topic, at)) else {
            return self.miss(topic);
        };
        let Self { topics, name, bytes, latest_in, .. } = self;
        let Some(rows) = topics.get_mut(topic) else { return Vec::new() };
        rows.last = at.sequence;
        if name_row(event, name) {
            let deleted_at = (event.action == b"delete").then_some(now);
            *bytes = bytes.wrapping_add_signed(rows.put(name, at.sequence, payload, deleted_at, latest_in));
        } else {
            rows.pass(at.sequence);
            latest_in.add(None);
        }
        let is_growing = rows.is_about_to_grow();
        self.end_observing(topic, is_growing)
    }

    /// Applies the topic's next events: the first at this position, and all with consecutive sequences. Of events of one row that
    /// follow each other only the last is stored. Returns what [`observe`](Self::observe) returns.
    pub(in crate::publisher::sync) fn observe_run<'a>(
        &mut self,
        topic: &[u8],
        first: Position,
        events: impl Iterator<Item = (RowSpan, &'a [u8])>,
        now: Duration,
    ) -> Vec<(Bytes, Unfit)> {
        if !self.expects(topic, first) {
            return self.miss(topic);
        }
        let Self { topics, name, bytes, latest_in, .. } = self;
        let Some(rows) = topics.get_mut(topic) else { return Vec::new() };
        let mut events = events.map(|(row, payload)| (row, row.name(payload), payload)).peekable();
        while let Some((row, of_row, payload)) = events.next() {
            rows.last += 1;
            if of_row.is_some() && events.peek().is_some_and(|(_, next, _)| *next == of_row) {
                continue;
            }
            if !of_row.is_some_and(|(table, key)| write_name(table, key, name)) {
                rows.pass(rows.last);
                latest_in.add(None);
                continue;
            }
            let deleted_at = row.is_deleted().then_some(now);
            *bytes = bytes.wrapping_add_signed(rows.put(name, rows.last, payload, deleted_at, latest_in));
        }
        let is_growing = rows.is_about_to_grow();
        self.end_observing(topic, is_growing)
    }

    /// Whether the topic's next event is the one at this position. Adds the topic at its first event.
    fn expects(&mut self, topic: &[u8], at: Position) -> bool {
        let Self { topics, without, bytes, changes, .. } = self;
        if let Some(rows) = topics.get(topic) {
            return rows.last.checked_add(1) == Some(at.sequence);
        }
        if at.sequence != 1 || without.contains(topic) {
            return false;
        }
        *bytes += size(topic.len(), 0);
        let topic = Bytes::copy_from_slice(topic);
        changes.insert(topic.clone(), TopicChange::Begun { since: at.epoch });
        topics.insert(topic, Rows { since: at.epoch, ..Rows::default() });
        true
    }

    /// Notes whether the topic's table is about to grow, and removes topics for which there is no room.
    fn end_observing(&mut self, topic: &[u8], is_growing: bool) -> Vec<(Bytes, Unfit)> {
        if self.growing.is_none() && is_growing {
            self.growing = Some(Bytes::copy_from_slice(topic));
        }
        self.shrink()
    }

    /// Removes the topic of an event that was missed. A topic is reported once.
    pub(super) fn miss(&mut self, topic: &[u8]) -> Vec<(Bytes, Unfit)> {
        if !self.topics.contains_key(topic) && self.without.contains(topic) {
            return Vec::new();
        }
        vec![self.give_up(topic, Unfit::Incomplete)]
    }
}
