use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use delivery::subscriber::{DeliveryMode, Item, Snapshot};
use pubsub_api::wire::{EventRef, WireError};
use pubsub_api::{
    Action, CauseCounter, Counter, CounterReading, Envelope, Event, LatencyCounter, LatencyReading,
    NamedCounters, NamedReading, Notice, SEND_ALL,
};
use table::{DatedEvent, Merge, Table};

use crate::Change;
use crate::refused_rows::RefusedRows;

/// Applies the items of a subscriber to the table and returns the changes and notices to deliver. No I/O; callers pass the time.
#[derive(Debug)]
pub(crate) struct TableUpdater {
    table: Mutex<Table>,
    /// What the bound of the table has no room for.
    pub(crate) refused: RefusedRows,
    started: Instant,
    /// The wall clock of this host at `started`. The table's clock starts there, so that it continues after a restart of the
    /// agent, and then advances monotonically, so that it never goes back.
    started_at: Duration,
    has_changed: AtomicBool,
    /// What the wall clock of this host shows at `started`, as of this turn: it may be set meanwhile.
    wall_at_start_us: AtomicU64,
    /// From the time in the stamp until the table had the event.
    apply_latency: LatencyCounter,
    by_table: NamedCounters,
    applied: Counter,
    replayed: Counter,
    known: Counter,
    superseded: Counter,
    snapshot_rows: Counter,
    differences: Counter,
    dropped: CauseCounter,
}

/// A change or notice to deliver.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Delivery {
    Change(Change),
    Notice(Notice),
}

impl TableUpdater {
    /// An empty table with a bound of this number of bytes.
    pub(crate) fn new(started: Instant, started_at: Duration, bound: usize) -> Self {
        let mut table = Table::default();
        table.set_bound(bound);
        Self {
            table: Mutex::new(table),
            refused: RefusedRows::default(),
            started,
            started_at,
            has_changed: AtomicBool::new(false),
            wall_at_start_us: AtomicU64::new(0),
            apply_latency: LatencyCounter::new("apply_latency"),
            by_table: NamedCounters::new("events_applied", "table"),
            applied: Counter::new("events_applied"),
            replayed: Counter::new("events_replayed"),
            known: Counter::new("events_known"),
            superseded: Counter::new("events_superseded"),
            snapshot_rows: Counter::new("snapshot_rows"),
            differences: Counter::new("snapshot_differences"),
            dropped: CauseCounter::new("events_dropped"),
        }
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time of the table's clock at `now`.
    pub(crate) fn clock(&self, now: Instant) -> Duration {
        self.started_at + now.saturating_duration_since(self.started)
    }

    /// The instant at which the table's clock shows `time`.
    pub(crate) fn instant(&self, time: Duration) -> Instant {
        self.started + time.saturating_sub(self.started_at)
    }

    /// The table, with its clock advanced to `now`.
    pub(crate) fn table_at(&self, now: Instant) -> MutexGuard<'_, Table> {
        let mut table = self.table();
        table.tick(self.clock(now));
        table
    }

    /// Replaces the table by a saved one.
    pub(crate) fn restore(&self, rows: impl IntoIterator<Item = DatedEvent>, now: Instant) {
        let mut table = self.table();
        let bound = table.bound();
        *table = Table::restored(self.clock(now), rows);
        table.set_bound(bound);
    }

    /// Whether the table may have changed since the last call.
    pub(crate) fn has_changed(&self) -> bool {
        self.has_changed.swap(false, Ordering::Relaxed)
    }

    /// Notes that the table has changed.
    pub(crate) fn note_change(&self) {
        self.has_changed.store(true, Ordering::Relaxed);
    }

    /// Applies an item, and adds what is to be delivered to `deliveries`. Returns whether the table is full.
    pub(crate) fn apply(&self, item: Item, now: Instant, deliveries: &mut Vec<Delivery>) -> bool {
        self.note_change();
        let mut table = self.table_at(now);
        match item {
            Item::Notice(notice) => deliveries.push(Delivery::Notice(notice)),
            Item::Clock(clock) => table.clock(clock),
            Item::Event { envelope, mode } => match read(&envelope) {
                Ok(event) if event.sealed.is_some() => self.refuse_sealed(&event, now, deliveries),
                Ok(event) => {
                    let is_live = mode == DeliveryMode::Live;
                    let sent = event.stamp.filter(|_| is_live).map(|stamp| stamp.time_us);
                    if self.apply_event(&mut table, Arc::new(event.to_event()), mode, deliveries) {
                        self.note_latency(sent, now);
                    }
                }
                Err(refused) => self.count_dropped(refused, now),
            },
            // Its other rows are not complete without the sealed ones.
            Item::Snapshot(snapshot) => match snapshot.rows.iter().find_map(sealed) {
                Some(event) => self.refuse_sealed(&event, now, deliveries),
                None => self.apply_snapshot(&mut table, &snapshot, now, deliveries),
            },
        }
        table.is_full()
    }

    fn apply_event(
        &self,
        table: &mut Table,
        event: Arc<Event>,
        mode: DeliveryMode,
        deliveries: &mut Vec<Delivery>,
    ) -> bool {
        let merged = table.merge(&event, mode);
        match merged {
            Merge::Known => self.known.add(1),
            Merge::Superseded => self.superseded.add(1),
            Merge::Refused => self.refused.note(&event.topic, 1),
            Merge::Applied => {
                self.by_table.count(event.table.as_deref().unwrap_or_default(), 1);
                let counter = if mode == DeliveryMode::Replay { &self.replayed } else { &self.applied };
                counter.add(1);
                let resync = resync_notice(&event).map(Delivery::Notice);
                deliveries.push(Delivery::Change(Change { event, mode }));
                deliveries.extend(resync);
            }
        }
        merged == Merge::Applied
    }

    /// Notes what the wall clock shows now, in microseconds since 1970, for the latencies of the events that follow.
    pub(crate) fn set_wall_clock(&self, wall_us: u64, now: Instant) {
        let since = micros(now.saturating_duration_since(self.started));
        self.wall_at_start_us.store(wall_us.saturating_sub(since), Ordering::Relaxed);
    }

    /// Notes how long a live event took from the time in its stamp.
    fn note_latency(&self, sent_us: Option<u64>, now: Instant) {
        let at_start = self.wall_at_start_us.load(Ordering::Relaxed);
        if let Some(sent_us) = sent_us.filter(|sent_us| *sent_us > 0 && at_start > 0) {
            let now_us = at_start + micros(now.saturating_duration_since(self.started));
            self.apply_latency.add(i64::try_from(now_us.saturating_sub(sent_us)).unwrap_or(i64::MAX), 1);
        }
    }

    fn apply_snapshot(
        &self,
        table: &mut Table,
        snapshot: &Snapshot,
        now: Instant,
        deliveries: &mut Vec<Delivery>,
    ) {
        let differences = table.replace(snapshot);
        self.snapshot_rows.add(differences.rows as u64);
        self.superseded.add(differences.superseded as u64);
        self.refused.note(&snapshot.topic, differences.no_room);
        self.differences.add(differences.events.len() as u64);
        for _ in 0..differences.refused {
            // Rows are checked before they enter a snapshot, so this is a bug.
            self.count_dropped(WireError::WrongType, now);
        }
        let change = |event| Delivery::Change(Change { event, mode: DeliveryMode::Snapshot });
        deliveries.extend(differences.events.into_iter().map(change));
    }

    /// Refuses and reports a sealed event, since this agent has no keyring: its value is not known.
    fn refuse_sealed(&self, event: &EventRef<'_>, now: Instant, deliveries: &mut Vec<Delivery>) {
        let key_id = event.sealed.as_ref().map_or("", |sealed| sealed.key_id);
        if let Some(events) = self.dropped.count(NO_KEYRING, now) {
            let reason = format!(
                "the event is sealed with key {key_id:?}, and this agent has no keyring: set sealing.keyring_file"
            );
            let topic = event.topic.to_owned();
            tracing::warn!(id = "SK0312", cause = NO_KEYRING, topic, events, "refused an event: {reason}");
            let publisher = event.stamp.map(|stamp| format!("{:016x}", stamp.publisher));
            let cause = NO_KEYRING.to_owned();
            let refused = Notice::Refused { publisher, topic, cause, events, reason };
            deliveries.push(Delivery::Notice(refused));
        }
    }

    fn count_dropped(&self, refused: WireError, now: Instant) {
        if let Some(times) = self.dropped.count(refused.cause(), now) {
            tracing::warn!(id = "SK0513", cause = refused.cause(), times, "dropped an event: {refused}");
        }
    }

    /// The events that were applied, by table.
    pub(crate) fn by_table(&self) -> NamedReading {
        self.by_table.read()
    }

    /// From the time in the stamp until the table had the event.
    pub(crate) fn apply_latency(&self) -> LatencyReading {
        self.apply_latency.read()
    }

    pub(crate) fn counters(&self) -> Vec<CounterReading> {
        let Self { applied, replayed, known, superseded, snapshot_rows, differences, .. } = self;
        let counters = [applied, replayed, known, superseded, snapshot_rows, differences];
        let refused = self.refused.counter();
        counters.into_iter().map(Counter::read).chain([refused]).chain(self.dropped.read()).collect()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The cause of a sealed event at an agent without keyring.
pub(crate) const NO_KEYRING: &str = "no_keyring";

fn read(envelope: &Envelope) -> Result<EventRef<'_>, WireError> {
    EventRef::read(envelope.topic.as_bytes(), &envelope.payload)
}

/// The event, if it is sealed.
fn sealed(envelope: &Envelope) -> Option<EventRef<'_>> {
    read(envelope).ok().filter(|event| event.sealed.is_some())
}

/// The notice for actions with which old peers report missing events without naming them: `sync`
/// (docs/design.md#when-a-queue-is-full), and `dbrestart` and `reinitialize` of Dragonflow's writers
/// (docs/dragonflow.md#events).
fn resync_notice(event: &Event) -> Option<Notice> {
    let is_request =
        matches!(event.action.as_str(), "sync" | "dbrestart" | "reinitialize") && has_no_row(event);
    is_request.then(|| Notice::Resync {
        publisher: None,
        topic: (event.topic != SEND_ALL).then(|| event.topic.to_string()),
        reason: format!("a publisher requested it with action {}: events may be missing", event.action),
    })
}

/// An event with a row is a change of that row, whatever its action is called.
fn has_no_row(event: &Event) -> bool {
    event.action == Action::Sync || event.table.is_none()
}

#[cfg(test)]
mod tests;
