use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use delivery::Position;

use super::world::NOW;
use crate::Row;
use crate::tables::limits::STALE_AFTER;
use crate::tables::{StreamPhase, TableUpdate};

/// How long a position that was announced to the follower may be missing while it is live: the longest of the graces, and the
/// time that the parts of one change may be apart.
const GRACE: Duration = Duration::from_millis(900);

/// What an application makes of the updates of one table, and what was announced to it.
#[derive(Debug, Clone, Hash)]
pub(super) struct View {
    pub(super) rows: BTreeSet<Row>,
    pub(super) position: Position,
    pub(super) phase: StreamPhase,
    /// Whether there was a first update.
    pub(super) has_rows: bool,
    /// The positions beyond its own that arrived in any message, and when.
    announced: BTreeMap<Position, Duration>,
    heard: Duration,
}

impl View {
    pub(super) fn new() -> Self {
        Self {
            rows: BTreeSet::new(),
            position: Position::NONE,
            phase: StreamPhase::Waiting,
            has_rows: false,
            announced: BTreeMap::new(),
            heard: NOW,
        }
    }

    /// A message with a position arrived.
    pub(super) fn hear(&mut self, position: Position) {
        self.announced.entry(position).or_insert(NOW);
        self.heard = NOW;
    }

    /// Moves all times into the past.
    pub(super) fn age(&mut self, by: Duration) {
        self.heard = self.heard.saturating_sub(by);
        self.announced.values_mut().for_each(|since| *since = since.saturating_sub(by));
    }

    /// Applies an update, after which the rows must be `truth`, those of the publisher at its position.
    pub(super) fn apply(
        &mut self,
        update: &TableUpdate,
        truth: Option<BTreeSet<Row>>,
    ) -> Result<(), &'static str> {
        if !self.has_rows && !update.is_snapshot {
            return Err("complete or loud: the first update is not the whole table");
        }
        if self.has_rows && update.position <= self.position {
            return Err("ordered, unique: an update is not later than the one before");
        }
        for row in update.removed.iter().chain(update.changed.iter().map(|(old, _)| old)) {
            if !self.rows.remove(row) {
                return Err("complete or loud: a row that is replaced was not there");
            }
        }
        for row in update.added.iter().chain(update.changed.iter().map(|(_, new)| new)) {
            if !self.rows.insert(row.clone()) {
                return Err("complete or loud: a row that is added was there");
            }
        }
        self.position = update.position;
        self.has_rows = true;
        match truth {
            Some(truth) if truth == self.rows => Ok(()),
            Some(_) => Err("complete or loud: the publisher had other rows at this position"),
            None => Err("complete or loud: the publisher was never at this position"),
        }
    }

    pub(super) fn report(&mut self, phase: StreamPhase) -> Result<(), &'static str> {
        if phase == self.phase {
            return Err("a phase is reported again that has not changed");
        }
        self.phase = phase;
        if phase == StreamPhase::Live && !self.has_rows {
            return Err("complete or loud: live without a first update");
        }
        Ok(())
    }

    /// What does not hold at this moment; `at` is the position of the follower's rows.
    pub(super) fn broken(&mut self, at: Position) -> Option<&'static str> {
        self.announced.retain(|announced, _| *announced > at);
        if self.phase != StreamPhase::Live {
            return None;
        }
        if self.announced.values().any(|since| *since + GRACE < NOW) {
            return Some(
                "complete or loud: live, and a change that was announced to it is missing for too long",
            );
        }
        (self.heard + STALE_AFTER < NOW)
            .then_some("fresh or stale: live, and nothing was heard for longer than STALE_AFTER")
    }
}
