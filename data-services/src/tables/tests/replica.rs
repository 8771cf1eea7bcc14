use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use delivery::Position;

use crate::tables::limits::STALE_AFTER;
use crate::tables::{StreamPhase, TableUpdate};
use crate::{Row, StreamName};

/// All rows that a table had, by position.
pub(super) type History = BTreeMap<(StreamName, Position), BTreeSet<Row>>;

/// How long a position that a follower knows of may be missing while it is live: the longest of the graces, and the time
/// that packets of one event may be apart.
const GRACE: Duration = Duration::from_millis(900);

/// What an application makes of the updates of one stream, and the checks of these updates.
#[derive(Debug, Default)]
pub(super) struct Replica {
    pub(super) rows: BTreeSet<Row>,
    pub(super) position: Position,
    pub(super) phase: Option<StreamPhase>,
    pub(super) phases: Vec<StreamPhase>,
    pub(super) updates: Vec<Arc<TableUpdate>>,
    /// The positions that arrived in any message, and when.
    announced: BTreeMap<Position, Duration>,
    heard: Duration,
}

impl Replica {
    pub(super) fn begin(&mut self, now: Duration) {
        self.heard = now;
        self.phase = Some(StreamPhase::Waiting);
    }

    pub(super) fn hear(&mut self, now: Duration, position: Position) {
        self.announced.entry(position).or_insert(now);
        self.heard = now;
    }

    /// Applies an update. Afterwards the rows are those that the publisher had at this position.
    pub(super) fn apply(&mut self, update: &Arc<TableUpdate>, history: &History) {
        assert!(!self.updates.is_empty() || update.is_snapshot, "the first update is a snapshot: {update:?}");
        assert!(self.updates.is_empty() || update.position > self.position, "ordered, unique: {update:?}");
        for row in update.removed.iter().chain(update.changed.iter().map(|(old, _)| old)) {
            assert!(self.rows.remove(row), "{row} was not there: {update:?}");
        }
        for row in update.added.iter().chain(update.changed.iter().map(|(_, new)| new)) {
            assert!(self.rows.insert(row.clone()), "{row} was there: {update:?}");
        }
        self.position = update.position;
        self.updates.push(Arc::clone(update));
        let truth = history.get(&(update.stream.clone(), update.position));
        let truth = truth.unwrap_or_else(|| panic!("no such position: {update:?}"));
        assert_eq!(&self.rows, truth, "complete: the rows at {} after {update:?}", update.position);
    }

    pub(super) fn report(&mut self, phase: StreamPhase) {
        assert_ne!(self.phase, Some(phase), "a phase is reported when it changes");
        self.phase = Some(phase);
        self.phases.push(phase);
    }

    pub(super) fn is_live(&self) -> bool {
        self.phase == Some(StreamPhase::Live)
    }

    /// Checks that a live stream misses nothing that it knows of, and was heard.
    pub(super) fn check(&mut self, now: Duration, at: Position) {
        self.announced.retain(|announced, _| *announced > at);
        if self.phase != Some(StreamPhase::Live) {
            return;
        }
        for (announced, since) in &self.announced {
            assert!(
                *since + GRACE > now,
                "complete or loud: live at {at}, {announced} was announced at {since:?}, now {now:?}"
            );
        }
        let is_heard = self.heard + STALE_AFTER >= now;
        assert!(is_heard, "fresh or stale: live at {now:?}, heard at {:?}", self.heard);
    }
}
