use delivery::Position;

use super::FollowedTable;
use crate::tables::assembly::Assembled;
use crate::tables::follow_context::FollowContext;
use crate::tables::follow_effect::{FollowEffect, to_publisher};
use crate::tables::limits::{FIRST_PAGE_RETRY, LONGEST_RETRY};
use crate::tables::message::{ChangePart, Mark, Page, Pull, TableMessage};
use crate::tables::page_pull::{PagePull, Pulled};
use crate::tables::table_event::{KeyedRows, TableEvent};

/// Messages of the publisher.
impl FollowedTable {
    /// Handles a message; the caller [settles](Self::settle) the table afterwards.
    pub(in crate::tables) fn received(&mut self, message: &TableMessage, context: &mut FollowContext<'_>) {
        match message {
            TableMessage::Change(part) => self.change(part, context),
            TableMessage::Mark(mark) => self.marked(mark, context),
            TableMessage::Answered(mark) => self.answered(mark, context),
            TableMessage::Page(page) => self.page(page, context),
            TableMessage::Raw { value, .. } => {
                context.effects.push(FollowEffect::Raw(self.stream.clone(), value.clone()));
            }
            TableMessage::Unknown(_) | TableMessage::Denied { .. } => {
                self.is_unknown = true;
                self.pull = None;
                self.doubt();
            }
            TableMessage::Open(_) | TableMessage::Pull(_) | TableMessage::Applied { .. } => {}
        }
    }

    /// A heartbeat carries the last position of the stream.
    pub(in crate::tables) fn head(&mut self, position: Position, context: &mut FollowContext<'_>) {
        if self.heard(position.epoch, context) {
            self.claim(position, context);
        }
    }

    /// Notes a sign of the stream; false if it is of an epoch that has ended.
    fn heard(&mut self, epoch: u64, context: &FollowContext<'_>) -> bool {
        if epoch < self.epoch {
            self.counters.outdated += 1;
            return false;
        }
        self.epoch = epoch;
        self.confirmed = context.now;
        self.is_probed = false;
        self.is_unknown = false;
        true
    }

    fn change(&mut self, part: &ChangePart, context: &mut FollowContext<'_>) {
        let position = part.position;
        if !self.heard(position.epoch, context) {
            return;
        }
        let at = self.tracker.position();
        if position.epoch == at.epoch && position.sequence <= at.sequence {
            self.counters.duplicates += 1;
            return;
        }
        let is_valid = self.rows.has_key(position.epoch, &part.key);
        let limit = context.options.buffer.bytes;
        let assembled = match is_valid {
            true => self.assemblies.put(context.now, part.clone(), limit),
            false => Assembled::Invalid,
        };
        match assembled {
            Assembled::Complete(change) => {
                let (bytes, mut effects) = (change.bytes, vec![]);
                let event = TableEvent::Change(change);
                self.tracker.data(position.epoch, position.sequence, event, bytes, &mut effects);
                self.carry_out(effects);
            }
            Assembled::Partial => {}
            Assembled::Invalid => {
                self.counters.invalid += 1;
                self.claim(position, context);
            }
        }
    }

    fn marked(&mut self, mark: &Mark, context: &FollowContext<'_>) {
        if self.heard(mark.position.epoch, context) {
            self.is_proven |= mark.tokens.contains(&self.token);
            self.confirm(mark.position);
        }
    }

    fn answered(&mut self, mark: &Mark, context: &mut FollowContext<'_>) {
        if !self.heard(mark.position.epoch, context) {
            return;
        }
        self.claim(mark.position, context);
        if self.tracker.is_behind() && self.tracker.position() > self.asked_at {
            self.retry.go_on(context.now);
        }
    }

    fn page(&mut self, page: &Page, context: &mut FollowContext<'_>) {
        if !self.heard(page.position.epoch, context) || !self.is_useful(page.position) {
            return;
        }
        if self.rows.is_initialized() {
            self.claim(page.position, context);
        }
        let is_newer = self.pull.as_ref().is_none_or(|pull| pull.position() < page.position);
        if is_newer {
            self.retry.end();
            self.pull = PagePull::begin(context.now, page);
        }
        let Some(pull) = &mut self.pull else {
            self.counters.invalid += 1;
            return;
        };
        match pull.put(page.clone(), context.options.followed_bytes) {
            Pulled::Ignored => {}
            Pulled::More(pages) => {
                pull.attempts = 0;
                pull.retry_at = context.now + context.jitter(FIRST_PAGE_RETRY);
                self.pull_pages(pages, context);
            }
            Pulled::Complete(snapshot) => {
                self.pull = None;
                self.snapshot(snapshot);
            }
            Pulled::Invalid => {
                self.counters.invalid += 1;
                self.pull = None;
            }
            Pulled::TooLarge => self.refuse_snapshot(context),
        }
    }

    /// Sends a request for pages of the snapshot that is being pulled.
    pub(super) fn pull_pages(&self, pages: Vec<u32>, context: &mut FollowContext<'_>) {
        let Some(snapshot) = self.pull.as_ref().map(PagePull::position) else { return };
        if !pages.is_empty() {
            let pull = Pull { stream: self.stream.clone(), snapshot, pages };
            context.effects.push(to_publisher(TableMessage::Pull(pull)));
        }
    }

    fn refuse_snapshot(&mut self, context: &mut FollowContext<'_>) {
        self.pull = None;
        let text = format!(
            "refused the snapshot of {}: it is larger than {} bytes; it is requested again later, raise followed_bytes",
            self.stream, context.options.followed_bytes
        );
        context.effects.push(FollowEffect::Refused(self.stream.clone(), text));
        self.retry.postpone(LONGEST_RETRY, context);
    }

    fn snapshot(&mut self, snapshot: KeyedRows) {
        let (position, mut effects) = (snapshot.position, vec![]);
        self.tracker.replaced(position, vec![TableEvent::Snapshot(snapshot)], &mut effects);
        self.carry_out(effects);
    }

    /// Whether a snapshot at this position has more than what was received.
    pub(super) fn is_useful(&self, position: Position) -> bool {
        let has_none = !self.rows.is_initialized() && self.ready.is_empty();
        has_none || self.tracker.position() < position
    }
}
