use std::collections::VecDeque;
use std::future::pending;
use std::time::{Duration, Instant};

use delivery::subscriber::Item;
use pubsub_api::Result;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use crate::applied_reports::AppliedReports;
use crate::loss_log::LossLog;
use crate::resync_schedule::ResyncSchedule;
use crate::sync::FullSync;
use crate::table_store::TableStore;
use crate::table_updater::Delivery;
use crate::{Output, Reports};

/// The state that only the running task uses.
#[derive(Debug)]
pub(crate) struct Io {
    pub(crate) output: Output,
    pub(crate) reports: Reports,
    pub(crate) lines: mpsc::Receiver<String>,
    /// A line that was received from `lines` and is not yet written.
    line: Option<String>,
    pub(crate) resyncs: ResyncSchedule,
    pub(crate) losses: LossLog,
    /// What publishers are told about the applied events.
    pub(super) applied: AppliedReports,
    pub(crate) store: Option<TableStore>,
    /// The full sync, if the database is used.
    pub(crate) full_sync: Option<FullSync>,
    /// The rows that the handlers had not finished when the last run of the agent ended.
    pub(crate) unhandled: Vec<(String, String)>,
    /// The time of the next check for room, if it was reported that the table is full.
    pub(crate) room_check: Option<Instant>,
    /// Items that were received and not yet processed: the positions of the subscriber include them.
    pub(super) items: VecDeque<Item>,
    /// What an item causes; kept for its memory.
    pub(super) deliveries: Vec<Delivery>,
    /// The most messages that are received at once.
    pub(super) turn: usize,
}

/// The most messages of a turn: between two turns the agent looks after everything else. What a turn saves is saved with fewer.
const MAX_TURN: usize = 64;

/// After a longer turn, because a handler or the output made it wait, the next one has one message.
const LONG_TURN: Duration = Duration::from_millis(10);

impl Io {
    pub(crate) fn new(
        output: Output,
        reports: Reports,
        applied: AppliedReports,
        lines: mpsc::Receiver<String>,
        store: Option<TableStore>,
        full_sync: Option<FullSync>,
    ) -> Self {
        Self {
            output,
            reports,
            lines,
            line: None,
            resyncs: ResyncSchedule::default(),
            losses: LossLog::default(),
            applied,
            store,
            full_sync,
            unhandled: Vec::new(),
            room_check: None,
            items: VecDeque::new(),
            deliveries: Vec::new(),
            turn: MAX_TURN,
        }
    }

    /// A turn took this long: the next one has fewer messages, or more.
    pub(super) fn turn_ended(&mut self, took: Duration) {
        self.turn = if took > LONG_TURN { 1 } else { MAX_TURN.min(2 * self.turn) };
    }

    /// Writes the waiting lines.
    pub(crate) async fn write_lines(&mut self) -> Result<()> {
        if let Some(line) = self.line.take() {
            self.output.line(line.as_bytes()).await?;
        }
        while let Ok(line) = self.lines.try_recv() {
            self.output.line(line.as_bytes()).await?;
        }
        Ok(())
    }

    /// Waits until there is other work than receiving from the subscriber.
    ///
    /// # Errors
    /// The error of the output.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost.
    pub(super) async fn wake(&mut self) -> Result<()> {
        let save = self.store.as_ref().map(TableStore::due);
        let dues = [self.resyncs.due(), self.losses.due(), self.applied.due(), save, self.room_check];
        let due = dues.into_iter().flatten().min();
        let synced = async {
            match &mut self.full_sync {
                Some(full_sync) => full_sync.wake().await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.reports.changed() => {}
            () = synced => {}
            Some(line) = self.lines.recv() => self.line = Some(line),
            () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {}
            error = self.output.failed() => return Err(error),
        }
        Ok(())
    }
}
