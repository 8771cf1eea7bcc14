use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use delivery::Position;

use super::change::Change;
use super::change_parts::parts_of;
use super::kept_snapshots::KeptSnapshots;
use super::limits::{MARK_INTERVAL, PAGE_WINDOW, REPLAY_BYTES, SMALL_REPLAY_BYTES};
use super::message::{ChangePart, GroupMember, Mark, Open, Page, Pull, TableMessage};
use super::options::TableOptions;
use super::partners::Partners;
use super::publish_effect::{PublishEffect, mark, to_followers, to_instance};
use super::published_rows::{Plan, PublishedRows};
use super::ring::Ring;
use crate::{Instance, KeyColumns, StreamName, TableId, TraceId};

/// One published table: its rows, its position, its latest changes, and what followers request of it.
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct PublishedTable {
    stream: StreamName,
    position: Position,
    pub(super) rows: PublishedRows,
    ring: Ring,
    part_bytes: usize,
    snapshots: KeptSnapshots,
    partners: Partners,
    /// The number of rows that were split into pages.
    rows_paged: usize,
    /// The time of the last mark that was requested.
    marked: Option<Duration>,
    /// When the next requested mark is sent.
    mark_at: Option<Duration>,
    /// The tokens that it carries, by who requested it last.
    tokens: BTreeMap<Instance, u64>,
}

impl PublishedTable {
    pub(super) fn new(stream: StreamName, key: KeyColumns, epoch: u64, options: &TableOptions) -> Self {
        Self {
            stream,
            position: Position { epoch, sequence: 0 },
            rows: PublishedRows::new(key, options.table_bytes),
            ring: Ring::new(options.ring_bytes),
            part_bytes: options.part_bytes,
            snapshots: KeptSnapshots::default(),
            partners: Partners::default(),
            rows_paged: 0,
            marked: None,
            mark_at: None,
            tokens: BTreeMap::new(),
        }
    }

    /// The position of its last change.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// The position of its next change.
    pub(super) fn next_position(&self) -> Position {
        Position { sequence: self.position.sequence + 1, ..self.position }
    }

    /// Makes a change and numbers it. If there are followers, it is sent to them; a change that is too large for the ring is
    /// only announced, and followers pull a snapshot. `group` and `trace` are those of its commit.
    pub(super) fn change(
        &mut self,
        plan: Plan,
        (group, trace): (&Arc<[GroupMember]>, Option<TraceId>),
        has_followers: bool,
        effects: &mut Vec<PublishEffect>,
    ) {
        self.position = self.next_position();
        self.partners.note(group, &self.stream.table);
        let difference = self.rows.carry_out(plan);
        let change = Change { sequence: self.position.sequence, difference, group: Arc::clone(group), trace };
        let change = Arc::new(change);
        let is_kept = self.ring.push(Arc::clone(&change));
        if !has_followers {
            return;
        }
        if is_kept {
            let parts = self.parts(&change, false);
            effects.extend(parts.map(|part| to_followers(TableMessage::Change(part))));
        } else {
            effects.push(mark(&self.stream, self.position, Vec::new()));
        }
    }

    /// The number of rows that were split into pages so far.
    pub(super) fn rows_paged(&self) -> usize {
        self.rows_paged
    }

    /// Another table of the service has ended.
    pub(super) fn forget_partner(&mut self, table: &TableId) {
        self.partners.forget(table);
    }

    /// Answers a request for what a follower does not have.
    pub(super) fn open(
        &mut self,
        now: Duration,
        follower: Instance,
        open: &Open,
        effects: &mut Vec<PublishEffect>,
    ) {
        if let Some(token) = open.token {
            self.tokens.insert(follower, token);
            self.mark_soon(now, effects);
        }
        if !self.replay(follower, open.have, effects) {
            let sequence = self.snapshot_to_send(now);
            self.send_pages(now, follower, sequence, &[0], effects);
        }
    }

    /// Answers a request for pages of a snapshot. If it is not kept any more, the first page of a newer one is sent.
    pub(super) fn pull(
        &mut self,
        now: Duration,
        follower: Instance,
        pull: &Pull,
        effects: &mut Vec<PublishEffect>,
    ) {
        let is_of_epoch = pull.snapshot.epoch == self.position.epoch;
        if is_of_epoch && self.snapshots.at(now, pull.snapshot.sequence).is_some() {
            let pages = pull.pages.get(..PAGE_WINDOW).unwrap_or(&pull.pages);
            self.send_pages(now, follower, pull.snapshot.sequence, pages, effects);
        } else {
            let sequence = self.snapshot_to_send(now);
            self.send_pages(now, follower, sequence, &[0], effects);
        }
    }

    /// Sends what is due, and drops what nobody needs any more.
    pub(super) fn tick(&mut self, now: Duration, effects: &mut Vec<PublishEffect>) {
        self.snapshots.expire(now);
        if self.mark_at.is_some_and(|at| at <= now) {
            self.mark_soon(now, effects);
        }
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.mark_at.into_iter().chain(self.snapshots.deadline()).min()
    }

    /// Moves its times into the past.
    #[cfg(test)]
    pub(super) fn age(&mut self, by: Duration) {
        self.snapshots.age(by);
        self.marked = self.marked.map(|at| at.saturating_sub(by));
        self.mark_at = self.mark_at.map(|at| at.saturating_sub(by));
    }

    /// Sends a mark on the topic now, or as soon as the interval allows.
    fn mark_soon(&mut self, now: Duration, effects: &mut Vec<PublishEffect>) {
        match self.marked.map(|marked| marked + MARK_INTERVAL).filter(|at| *at > now) {
            Some(at) => self.mark_at = Some(at),
            None => {
                self.mark_at = None;
                self.marked = Some(now);
                let tokens = std::mem::take(&mut self.tokens).into_values().collect();
                effects.push(mark(&self.stream, self.position, tokens));
            }
        }
    }

    /// Sends the changes after `have`, if the ring has them and they are not dearer than a snapshot; at most
    /// [`REPLAY_BYTES`] at once, but at least one. Returns whether this is the answer.
    fn replay(&self, follower: Instance, have: Position, effects: &mut Vec<PublishEffect>) -> bool {
        if have.epoch != self.position.epoch {
            return false;
        }
        let snapshot_bytes = self.rows.published().bytes().max(SMALL_REPLAY_BYTES) as u64;
        match self.ring.bytes_after(have.sequence, self.position.sequence) {
            Some(bytes) if bytes <= snapshot_bytes => {}
            _ => return false,
        }
        let mut bytes = 0;
        for change in self.ring.changes_after(have.sequence).into_iter().flatten() {
            bytes += change.bytes();
            let parts = self.parts(change, true);
            effects.extend(parts.map(|part| to_instance(follower, TableMessage::Change(part))));
            if bytes >= REPLAY_BYTES {
                break;
            }
        }
        let answered = Mark { stream: self.stream.clone(), position: self.position, tokens: Vec::new() };
        effects.push(to_instance(follower, TableMessage::Answered(answered)));
        true
    }

    /// The snapshot for a follower that begins now: the latest one that is kept, if the ring continues it cheaply, or a new
    /// one.
    fn snapshot_to_send(&mut self, now: Duration) -> u64 {
        let head = self.position.sequence;
        let snapshot_bytes = self.rows.published().bytes() as u64;
        let is_continued = |kept: &u64| {
            self.ring.bytes_after(*kept, head).is_some_and(|bytes| bytes == 0 || bytes <= snapshot_bytes)
        };
        match self.snapshots.latest().filter(is_continued) {
            Some(kept) => kept,
            None => {
                let partners = self.partners.to_members();
                self.rows_paged += self.rows.published().len();
                self.snapshots.keep(now, head, self.rows.published(), partners, self.part_bytes);
                head
            }
        }
    }

    fn parts(&self, change: &Change, is_replay: bool) -> impl Iterator<Item = ChangePart> + use<> {
        let (epoch, key) = (self.position.epoch, self.rows.key());
        parts_of(&self.stream, epoch, key, change, is_replay, self.part_bytes).into_iter()
    }

    fn send_pages(
        &mut self,
        now: Duration,
        follower: Instance,
        sequence: u64,
        pages: &[u32],
        effects: &mut Vec<PublishEffect>,
    ) {
        let Some(snapshot) = self.snapshots.at(now, sequence) else { return };
        let number_of_pages = u32::try_from(snapshot.pages.len()).unwrap_or(u32::MAX);
        for number in pages {
            let rows = usize::try_from(*number).ok().and_then(|number| snapshot.pages.get(number));
            let Some(rows) = rows else { continue };
            let page = Page {
                stream: self.stream.clone(),
                position: Position { sequence, ..self.position },
                page: *number,
                pages: number_of_pages,
                key: self.rows.key().clone(),
                rows: rows.clone(),
                partners: if *number == 0 { snapshot.partners.clone() } else { Vec::new() },
            };
            effects.push(to_instance(follower, TableMessage::Page(page)));
        }
    }
}
