use std::collections::BTreeSet;
use std::time::Instant;

use delivery::rows::Table;
use delivery::saved::SavedState;

use super::{Agent, Io};
use crate::Change;

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
        let state = state.narrowed(&wanted, io.syncing.is_some());
        tracing::info!(
            rows = state.rows.len(),
            positions = state.positions.len(),
            "the agent goes on with what it kept"
        );
        *self.table() = state.rows.into_iter().collect::<Table>();
        self.subscriber.resume(state.positions);
        self.subscriber.resume_links(state.links);
        io.unhandled = state.unhandled;
    }

    /// Keeps the table if it is time and something has changed. Call it when the subscriber has nothing to yield, so that table
    /// and positions are of one instant, and when the output is flushed: what is kept is not written again after a restart.
    pub(super) async fn keep_if_due(&self, io: &mut Io) {
        let Some(keeping) = &mut io.keeping else { return };
        if !keeping.is_due(Instant::now()).await || !self.intake.has_changed() {
            return;
        }
        let state = self.state(io);
        if let Some(keeping) = &mut io.keeping {
            keeping.begin(state);
        }
    }

    /// Keeps the table, and waits until it is written.
    pub(super) async fn keep_last(&self) {
        let mut io = self.io.lock().await;
        if io.keeping.is_none() || io.output.flush().is_err() {
            return;
        }
        let state = self.state(&io);
        if let Some(keeping) = &mut io.keeping {
            keeping.finish().await;
            keeping.begin(state);
            keeping.finish().await;
        }
    }

    fn state(&self, io: &Io) -> SavedState {
        let mut unhandled: BTreeSet<(String, String)> = io.unhandled.iter().cloned().collect();
        let unfinished = self.dispatcher.unfinished();
        let rows = unfinished.iter().filter_map(Change::row);
        unhandled.extend(rows.map(|(table, key)| (table.to_owned(), key.to_owned())));
        let table = self.table();
        for name in io.resyncs.tables() {
            let keys = table.with_tombstones_of(name).filter_map(|row| row.key.clone());
            unhandled.extend(keys.map(|key| (name.to_owned(), key)));
        }
        SavedState {
            subscriptions: self.asked().descriptions(),
            positions: self.subscriber.positions(),
            links: self.subscriber.links(),
            rows: table.with_tombstones().cloned().collect(),
            unhandled: unhandled.into_iter().collect(),
        }
    }
}
