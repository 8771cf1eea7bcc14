use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use delivery::subscriber::SavedPosition;
use pubsub_api::{Action, Event, Result, Value};
use table::DatedEvent;
use table::saved::SavedState;
use tokio::time::timeout;

use super::{Agent, Io};
use crate::Change;

/// The longest wait for the reader of the output before a save. If it does not read, the table is saved at the next
/// interval.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

impl Agent {
    /// Restores the table and positions of the last run, except for topics that are no longer subscribed. Restored rows are
    /// not delivered, except those that the handlers had not finished.
    pub(super) async fn restore_saved(&self, io: &mut Io) {
        let Some(store) = &io.store else { return };
        let Some(state) = store.read().await else { return };
        let wanted = self.desired().wanted();
        if state.subscriptions != self.desired().descriptions() {
            tracing::info!(
                id = "SK0607",
                "subscriptions changed since the table was saved; rows of other topics are not restored"
            );
        }
        let state = state.narrowed(&wanted);
        tracing::info!(
            id = "SK0607",
            rows = state.rows.len(),
            positions = state.positions.len(),
            "restored the saved table"
        );
        self.updater.restore(state.rows, Instant::now());
        self.subscriber.resume(state.positions);
        self.subscriber.resume_links(state.links);
        io.unhandled = state.unhandled;
    }

    /// Saves the table if the interval is over and something has changed, also while events arrive without a pause. Table and
    /// positions belong together whenever all items that the subscriber has processed were received from it. The unfinished
    /// rows of handlers are saved with them. The output is flushed first, because saved rows are not written again after a
    /// restart.
    pub(super) async fn save_if_due(&self, io: &mut Io) -> Result<()> {
        let Some(store) = &mut io.store else { return Ok(()) };
        if !store.is_due(Instant::now()).await {
            return Ok(());
        }
        let Some(positions) = self.subscriber.settled_positions() else { return Ok(()) };
        store.schedule_next(Instant::now());
        if !self.updater.has_changed() {
            return Ok(());
        }
        // Nothing is received from the subscriber during this wait, so table and positions still belong together.
        if !matches!(timeout(OUTPUT_TIMEOUT, io.output.written()).await, Ok(Ok(()))) {
            // The change is still unsaved; the next interval saves it.
            self.updater.note_change();
            return Ok(());
        }
        let state = self.state(io, positions);
        if let Some(store) = &mut io.store {
            store.start_write(state);
        }
        Ok(())
    }

    /// Saves the table and waits until it is written.
    pub(super) async fn save_last(&self) {
        let mut io = self.io.lock().await;
        if io.store.is_none() || io.output.written().await.is_err() {
            return;
        }
        let state = self.state(&io, self.subscriber.positions());
        if let Some(store) = &mut io.store {
            store.finish().await;
            store.start_write(state);
            store.finish().await;
        }
    }

    fn state(&self, io: &Io, positions: Vec<SavedPosition>) -> SavedState {
        let mut unhandled: BTreeSet<(String, String)> = io.unhandled.iter().cloned().collect();
        let unfinished = self.dispatcher.unfinished();
        let names = unfinished.iter().filter_map(Change::row);
        unhandled.extend(names.map(|(table, key)| (table.to_owned(), key.to_owned())));
        let table = self.table();
        for name in io.resyncs.tables() {
            let keys = table.with_tombstones_of(name).filter_map(|row| row.key.clone());
            unhandled.extend(keys.map(|key| (name.to_owned(), key)));
        }
        let forgotten = unfinished
            .iter()
            .filter(|change| change.row().is_some_and(|(name, key)| table.latest_event(name, key).is_none()));
        let forgotten = forgotten.map(|change| as_delete(&change.event));
        SavedState {
            subscriptions: self.desired().descriptions(),
            positions: self.kept_positions(positions),
            links: self.subscriber.links(),
            rows: table.dated().chain(forgotten).collect(),
            unhandled: unhandled.into_iter().collect(),
        }
    }
}

/// The delete of a row whose tombstone the table has already dropped, because the handler has taken too long for it.
fn as_delete(event: &Event) -> DatedEvent {
    let delete = Event { action: Action::Delete, value: Value::Nil, ..event.clone() };
    DatedEvent { event: Arc::new(delete), at: Duration::ZERO }
}
