use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use delivery::subscriber::{Item, Origin, Snapshot};
use pubsub_api::wire::{EventRef, WireError};
use pubsub_api::{Action, Counter, CounterReading, Envelope, Event, Notice, SEND_ALL, Tally};
use table::{DatedEvent, Merge, Table};

use crate::Change;

/// What becomes of the items that a subscriber yields: they go into the table, and what is new is handed on. No I/O; the time
/// comes in.
#[derive(Debug)]
pub(crate) struct Intake {
    table: Mutex<Table>,
    started: Instant,
    /// What the wall clock of this host showed then: the table's clock begins there, so that a restarted agent's goes on, and
    /// counts on without it, so that it never goes back.
    started_at: Duration,
    has_changed: AtomicBool,
    applied: Counter,
    replayed: Counter,
    known: Counter,
    superseded: Counter,
    snapshot_rows: Counter,
    differences: Counter,
    dropped: Tally,
}

/// What is to be handed on, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Handed {
    Change(Change),
    Notice(Notice),
}

impl Intake {
    pub(crate) fn new(started: Instant, started_at: Duration) -> Self {
        Self {
            table: Mutex::default(),
            started,
            started_at,
            has_changed: AtomicBool::new(false),
            applied: Counter::new("events_applied"),
            replayed: Counter::new("events_replayed"),
            known: Counter::new("events_known"),
            superseded: Counter::new("events_superseded"),
            snapshot_rows: Counter::new("snapshot_rows"),
            differences: Counter::new("snapshot_differences"),
            dropped: Tally::new("events_dropped"),
        }
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the table's clock shows.
    pub(crate) fn clock(&self, now: Instant) -> Duration {
        self.started_at + now.saturating_duration_since(self.started)
    }

    /// When the table's clock shows this.
    pub(crate) fn instant(&self, shown: Duration) -> Instant {
        self.started + shown.saturating_sub(self.started_at)
    }

    /// The table, whose clock shows the time.
    pub(crate) fn table_at(&self, now: Instant) -> MutexGuard<'_, Table> {
        let mut table = self.table();
        table.tick(self.clock(now));
        table
    }

    /// Takes up a table that was kept.
    pub(crate) fn restore(&self, rows: impl IntoIterator<Item = DatedEvent>, now: Instant) {
        *self.table() = Table::restored(self.clock(now), rows);
    }

    /// Whether anything came since this was asked last.
    pub(crate) fn has_changed(&self) -> bool {
        self.has_changed.swap(false, Ordering::Relaxed)
    }

    /// The table was changed by another hand.
    pub(crate) fn note_change(&self) {
        self.has_changed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn take(&self, item: Item, now: Instant) -> Vec<Handed> {
        self.note_change();
        drop(self.table_at(now));
        match item {
            Item::Notice(notice) => vec![Handed::Notice(notice)],
            Item::Clock(clock) => {
                self.table().clock(clock);
                Vec::new()
            }
            Item::Event { envelope, origin } => match read(&envelope) {
                Ok(event) => self.take_event(Arc::new(event), origin),
                Err(refused) => {
                    self.count_dropped(refused, now);
                    Vec::new()
                }
            },
            Item::Snapshot(snapshot) => self.take_snapshot(&snapshot, now),
        }
    }

    fn take_event(&self, event: Arc<Event>, origin: Origin) -> Vec<Handed> {
        match self.table().merge(&event, origin) {
            Merge::Known => self.known.add(1),
            Merge::Superseded => self.superseded.add(1),
            Merge::Applied => {
                let counter = if origin == Origin::Replay { &self.replayed } else { &self.applied };
                counter.add(1);
                let asks_to_compare = resync(&event).map(Handed::Notice);
                let change = Handed::Change(Change { event, origin });
                return [change].into_iter().chain(asks_to_compare).collect();
            }
        }
        Vec::new()
    }

    fn take_snapshot(&self, snapshot: &Snapshot, now: Instant) -> Vec<Handed> {
        let differences = self.table().replace(snapshot);
        self.snapshot_rows.add(differences.rows as u64);
        self.superseded.add(differences.superseded as u64);
        self.differences.add(differences.events.len() as u64);
        for _ in 0..differences.refused {
            // Checked before it was put into a snapshot, so this is a defect somewhere.
            self.count_dropped(WireError::WrongType, now);
        }
        let change = |event| Handed::Change(Change { event, origin: Origin::Snapshot });
        differences.events.into_iter().map(change).collect()
    }

    fn count_dropped(&self, refused: WireError, now: Instant) {
        if let Some(times) = self.dropped.count(refused.cause(), now) {
            tracing::warn!(cause = refused.cause(), times, "dropped an event: {refused}");
        }
    }

    pub(crate) fn counters(&self) -> Vec<CounterReading> {
        let Self { applied, replayed, known, superseded, snapshot_rows, differences, .. } = self;
        let counters = [applied, replayed, known, superseded, snapshot_rows, differences];
        counters.into_iter().map(Counter::read).chain(self.dropped.read()).collect()
    }
}

fn read(envelope: &Envelope) -> Result<Event, WireError> {
    EventRef::read(envelope.topic.as_bytes(), &envelope.payload).map(|event| event.to_event())
}

/// What old peers say when events are missing, and they cannot say which: `sync` (docs/design.md#when-a-queue-is-full), and
/// the `dbrestart` and `reinitialize` of Dragonflow's writers (docs/dragonflow.md#events).
fn resync(event: &Event) -> Option<Notice> {
    let asks =
        matches!(event.action.as_str(), "sync" | "dbrestart" | "reinitialize") && is_about_no_row(event);
    asks.then(|| Notice::Resync {
        publisher: None,
        topic: (event.topic != SEND_ALL).then(|| event.topic.to_string()),
        reason: "a publisher asks for it: what it has to tell is more than its events say".to_owned(),
    })
}

/// An action of any name on a row is a change of that row.
fn is_about_no_row(event: &Event) -> bool {
    event.action == Action::Sync || event.table.is_none()
}

#[cfg(test)]
mod tests;
