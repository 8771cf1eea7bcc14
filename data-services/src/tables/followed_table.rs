#[cfg(test)]
mod copy;
mod ready_changes;
mod receiving;
mod timers;

use std::collections::VecDeque;
use std::time::Duration;

use delivery::Position;
use delivery::subscriber::{BufferLimit, Effect, Phase, Tracker};

use super::assembly::Assemblies;
use super::follow_context::FollowContext;
use super::follow_effect::{FollowEffect, to_publisher};
use super::followed_rows::FollowedRows;
use super::limits::CLAIM_GRACE;
use super::message::{Open, TableMessage};
use super::page_pull::PagePull;
use super::retry::Retry;
use super::stream_phase::StreamPhase;
use super::table_event::TableEvent;
use super::table_rows::TableRows;
use crate::StreamName;

/// One followed stream: its rows, what is missing, and when that is requested.
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct FollowedTable {
    stream: StreamName,
    rows: FollowedRows,
    tracker: Tracker<TableEvent>,
    /// What the tracker has put in order and is not applied yet: more than one only if they wait for a transaction.
    ready: VecDeque<TableEvent>,
    ready_bytes: usize,
    held_since: Option<Duration>,
    is_held_too_long: bool,
    assemblies: Assemblies,
    pull: Option<PagePull>,
    retry: Retry,
    /// The position at the last request.
    asked_at: Position,
    /// A position that is known from elsewhere, and when it counts as missing.
    claim: Option<(Position, Duration)>,
    /// The highest epoch that was heard of.
    epoch: u64,
    /// Whether the node of the publisher is up.
    is_up: bool,
    /// Marks with this token are sent after this table was followed.
    token: u64,
    /// Whether one has arrived on the topic since the publisher is up: the topic reaches this node. Any other message there
    /// may be late, of a subscription that has ended.
    is_proven: bool,
    /// Whether the publisher replied that it has no such table.
    is_unknown: bool,
    /// The time of the last sign of the stream.
    confirmed: Duration,
    is_probed: bool,
    reported: StreamPhase,
    counters: StreamCounters,
}

/// What was dropped of a stream, and what was missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StreamCounters {
    /// Messages of an earlier epoch.
    pub(crate) outdated: u64,
    /// Changes that had arrived before.
    pub(crate) duplicates: u64,
    /// Changes and pages that contradict the protocol.
    pub(crate) invalid: u64,
    /// Times that changes were missing, or may have been, and were requested.
    pub(crate) gaps: u64,
    /// Snapshots that replaced earlier rows.
    pub(crate) resyncs: u64,
}

impl FollowedTable {
    /// `token` is another one whenever any node follows any stream.
    pub(super) fn new(stream: StreamName, limit: BufferLimit, token: u64, now: Duration) -> Self {
        Self {
            stream,
            rows: FollowedRows::new(),
            tracker: Tracker::new(limit),
            ready: VecDeque::new(),
            ready_bytes: 0,
            held_since: None,
            is_held_too_long: false,
            assemblies: Assemblies::default(),
            pull: None,
            retry: Retry::default(),
            asked_at: Position::NONE,
            claim: None,
            epoch: 0,
            is_up: true,
            token,
            is_proven: false,
            is_unknown: false,
            confirmed: now,
            is_probed: false,
            reported: StreamPhase::Waiting,
            counters: StreamCounters::default(),
        }
    }

    pub(super) fn rows(&self) -> &TableRows {
        self.rows.rows()
    }

    /// The position of the rows.
    pub(super) fn position(&self) -> Position {
        self.rows.position()
    }

    pub(super) fn counters(&self) -> StreamCounters {
        self.counters
    }

    /// The phase that was reported last.
    pub(super) fn reported(&self) -> StreamPhase {
        self.reported
    }

    /// A position is known from elsewhere. If it does not arrive soon, it is missing.
    pub(super) fn claim(&mut self, position: Position, context: &mut FollowContext<'_>) {
        let at = self.tracker.position();
        if position.epoch < self.epoch || (position < at && position.epoch == at.epoch) {
            return;
        }
        if position == at || self.tracker.phase() != Phase::Live {
            self.confirm(position);
        } else {
            let due = context.now + CLAIM_GRACE;
            let (claimed, due) =
                self.claim.map_or((position, due), |(claimed, due)| (claimed.max(position), due));
            self.claim = Some((claimed, due));
        }
    }

    /// The node of the publisher is up, or not.
    pub(super) fn set_up(&mut self, is_up: bool, context: &mut FollowContext<'_>) {
        if !is_up {
            self.is_up = false;
            self.doubt();
        } else if !self.is_up {
            self.is_up = true;
            // What arrived meanwhile confirms nothing.
            self.doubt();
            self.confirmed = context.now;
            self.retry.restart(context);
        }
    }

    /// Nothing confirms any more that the topic arrives.
    pub(super) fn doubt(&mut self) {
        self.tracker.unproved();
        self.is_proven = false;
    }

    /// Does what follows from the state after an input: requests, and a report of the phase.
    pub(super) fn settle(&mut self, context: &mut FollowContext<'_>) {
        self.bound_ready(context);
        // What arrived meanwhile has overtaken it.
        let is_useful = self.pull.as_ref().is_some_and(|pull| self.is_useful(pull.position()));
        self.pull = self.pull.take().filter(|_| is_useful);
        if !self.ready.is_empty() && self.held_since.is_none() {
            self.held_since = Some(context.now);
        }
        if self.pull.as_ref().is_some_and(|pull| !self.is_useful(pull.position())) {
            // The stream has overtaken the snapshot, whose pages would be dropped.
            self.pull = None;
        }
        let phase = self.phase();
        let is_silent = |phase| matches!(phase, StreamPhase::Waiting | StreamPhase::Stale);
        if phase == StreamPhase::Live {
            // A snapshot that is newer than the rows is pulled to its end all the same.
            self.retry.end();
        } else if self.is_up && self.pull.is_none() && !self.has_all() {
            self.retry.begin(context);
            if is_silent(self.reported) && !is_silent(phase) {
                // The publisher is back.
                self.retry.restart(context);
            }
        }
        if phase != self.reported {
            self.reported = phase;
            context.effects.push(FollowEffect::Phase(self.stream.clone(), phase));
        }
    }

    /// Requests what is missing now.
    pub(super) fn request(&mut self, context: &mut FollowContext<'_>) {
        let has_some = self.rows.is_initialized() || !self.ready.is_empty();
        let have = if has_some { self.tracker.position() } else { Position::NONE };
        self.asked_at = self.tracker.position();
        let token = (!self.is_proven).then_some(self.token);
        let open = Open { stream: self.stream.clone(), have, token };
        context.effects.push(to_publisher(TableMessage::Open(open)));
        self.retry.sent(context);
    }

    fn phase(&self) -> StreamPhase {
        let has_rows = self.rows.is_initialized();
        let silent = if has_rows { StreamPhase::Stale } else { StreamPhase::Waiting };
        let behind = if has_rows { StreamPhase::Recovering } else { StreamPhase::Syncing };
        match self.tracker.phase() {
            _ if !self.is_up || self.is_unknown => silent,
            Phase::Joining | Phase::Stale => silent,
            Phase::Syncing | Phase::Recovering => behind,
            Phase::Live if !self.is_proven || self.is_held_too_long || !has_rows => behind,
            // It was not live, and is not before everything that is known of is applied.
            Phase::Live if self.reported != StreamPhase::Live && self.is_waiting() => behind,
            Phase::Live => StreamPhase::Live,
        }
    }

    /// Whether nothing is to be requested, though changes may wait for those of other tables.
    fn has_all(&self) -> bool {
        let is_assembled = !self.assemblies.has_after(self.tracker.position());
        self.tracker.phase() == Phase::Live && self.is_proven && !self.is_unknown && is_assembled
    }

    /// Whether changes have arrived, whole or in part, that are not applied.
    fn is_waiting(&self) -> bool {
        !self.ready.is_empty() || self.assemblies.has_after(self.tracker.position())
    }

    /// Everything up to this position exists.
    fn confirm(&mut self, position: Position) {
        let mut effects = vec![];
        self.tracker.mark(position.epoch, position.sequence, None, &mut effects);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect<TableEvent>>) {
        for effect in effects {
            match effect {
                Effect::Apply { event, .. } => self.push_ready(event),
                Effect::Replace(events) => {
                    self.counters.resyncs += u64::from(self.has_content());
                    self.ready.clear();
                    self.ready_bytes = 0;
                    events.into_iter().for_each(|event| self.push_ready(event));
                }
                // The phase is reported after each input.
                Effect::Recovering { .. } => self.counters.gaps += u64::from(self.has_content()),
                Effect::Live => {}
                // Only a tracker that gives up reports these.
                Effect::Missing(_) | Effect::Resync(_) => {}
            }
        }
        let at = self.tracker.position();
        self.assemblies.drop_up_to(at);
        self.claim = self.claim.filter(|(claimed, _)| *claimed > at);
    }

    /// Whether there are rows, or they are about to be applied.
    fn has_content(&self) -> bool {
        self.rows.is_initialized() || !self.ready.is_empty()
    }

    fn push_ready(&mut self, event: TableEvent) {
        self.ready_bytes += event.bytes();
        self.ready.push_back(event);
    }
}
