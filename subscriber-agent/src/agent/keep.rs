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

/// How long the agent waits for the reader of its output before it keeps the table; if that does not read, the table is
/// kept at another time.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(1);

impl Agent {
    /// Goes on where the last life of the agent has stopped, as far as what it kept is still wanted. Nothing of it is handed
    /// on but what the handlers were not done with.
    pub(super) async fn take_up(&self, io: &mut Io) {
        let Some(keeping) = &io.keeping else { return };
        let Some(state) = keeping.read().await else { return };
        let wanted = self.asked().wanted();
        if state.subscriptions != self.asked().descriptions() {
            tracing::info!("the subscriptions are not those that the table was kept with");
        }
        let state = state.narrowed(&wanted);
        tracing::info!(
            rows = state.rows.len(),
            positions = state.positions.len(),
            "the agent goes on with what it kept"
        );
        self.intake.restore(state.rows, Instant::now());
        self.subscriber.resume(state.positions);
        self.subscriber.resume_links(state.links);
        io.unhandled = state.unhandled;
    }

    /// Keeps the table if it is time and something has changed, also while events come without a pause: table and positions
    /// are of one instant whenever all that the subscriber has worked through was taken from it. What handlers are not done
    /// with is kept with them. The output is flushed first: what is kept is not written again after a restart.
    pub(super) async fn keep_if_due(&self, io: &mut Io) -> Result<()> {
        let Some(keeping) = &mut io.keeping else { return Ok(()) };
        if !keeping.is_due(Instant::now()).await {
            return Ok(());
        }
        let Some(positions) = self.subscriber.settled_positions() else { return Ok(()) };
        keeping.took_turn(Instant::now());
        if !self.intake.has_changed() {
            return Ok(());
        }
        // Nothing is taken from the subscriber meanwhile: table and positions stay of one instant.
        if !matches!(timeout(OUTPUT_PATIENCE, io.output.written()).await, Ok(Ok(()))) {
            // Still to be kept, at the next turn.
            self.intake.note_change();
            return Ok(());
        }
        let state = self.state(io, positions);
        if let Some(keeping) = &mut io.keeping {
            keeping.begin(state);
        }
        Ok(())
    }

    /// Keeps the table, and waits until it is written.
    pub(super) async fn keep_last(&self) {
        let mut io = self.io.lock().await;
        if io.keeping.is_none() || io.output.written().await.is_err() {
            return;
        }
        let state = self.state(&io, self.subscriber.positions());
        if let Some(keeping) = &mut io.keeping {
            keeping.finish().await;
            keeping.begin(state);
            keeping.finish().await;
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
            subscriptions: self.asked().descriptions(),
            positions,
            links: self.subscriber.links(),
            rows: table.dated().chain(forgotten).collect(),
            unhandled: unhandled.into_iter().collect(),
        }
    }
}

/// The delete of a row that the table remembers no more, since a handler has waited so long for it.
fn as_delete(event: &Event) -> DatedEvent {
    let delete = Event { action: Action::Delete, value: Value::Nil, ..event.clone() };
    DatedEvent { event: Arc::new(delete), at: Duration::ZERO }
}
