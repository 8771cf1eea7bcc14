use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pubsub_api::database::{DbApi, check_table};
use pubsub_api::{CauseCounter, Counter, CounterReading, Error, ErrorKind, Publisher, Result, Status};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::copy_file::{CopyFile, encode};
use crate::delete_guard::{ConfirmedChanges, DeleteGuard};
use crate::table_copy::{PolledRows, TableCopy};
use crate::{PUBLISHER_TABLE, SERVICE_TABLE};

/// Publishes the changes of one table that their writers do not publish themselves (docs/dragonflow.md#publisher-service):
/// it polls the table, and publishes new, changed and deleted rows on `D` as `create`, `set` or `delete`, with the object's
/// version if it has one.
///
/// - A row that one poll does not find may have been evicted, or its database may be loading: its `delete` is published when the
///   next poll does not find it either. If more than half of the rows are missing, and more than ten, or all, the database
///   has probably lost them: that is logged and counted, and they are deleted only after ten minutes of such polls
///   ([`AbsenceRule`](table::AbsenceRule)).
/// - No error ends it (docs/dragonflow.md#d7). The copy of the published state advances row by row, with each event that
///   the publisher accepts. An event that it does not accept is due again at the next poll, as is everything while the
///   database is unavailable.
/// - The copy outlives the process, in a file, so that a restart does not publish everything again (docs/dragonflow.md#d9).
///   Changes of a poll that a crash interrupted may be published again.
/// - Without that file, at the very first start, or if it is damaged, the first poll only fills the copy and publishes nothing:
///   agents compare with the database at their start and every `db_sync_time`, and find the changes there. Publishing every row
///   instead would flood all of them, for a few rows that they find anyway.
/// - Rows that are not objects ([`Object`](crate::Object)), or not in the row of their `id`, are logged by name, counted, and
///   left as they are in the copy. If rows of several topics have one key, one counts, as events have only table and key.
/// - If several services use one database, each publishes what it finds: equal events, which agents recognize by version.
///
/// In memory it has the key and 16 bytes of each row; during a poll, the whole table.
#[derive(Debug)]
pub struct TableMonitor {
    table: String,
    database: Arc<dyn DbApi>,
    publisher: Arc<dyn Publisher>,
    poll_time: Duration,
    file: Option<CopyFile>,
    state: Mutex<State>,
    polls: Counter,
    held: Counter,
    published: Counter,
    unreadable: CauseCounter,
    failed: CauseCounter,
}

#[derive(Debug, Default)]
struct State {
    /// `None` until it is read or filled.
    copy: Option<TableCopy>,
    guard: DeleteGuard,
    /// Whether the file is not up to date.
    unsaved: bool,
}

impl TableMonitor {
    /// Monitors a table: reads it every `poll_time`, and publishes its changes through `publisher`.
    ///
    /// Nothing is read before [`run`](Self::run) or [`poll`](Self::poll).
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the name is not a table name, or the table is written all the time: [`PUBLISHER_TABLE`], which
    /// belongs to the [directory](crate::Directory), and [`SERVICE_TABLE`].
    pub fn new(
        database: Arc<dyn DbApi>,
        publisher: Arc<dyn Publisher>,
        table: &str,
        poll_time: Duration,
    ) -> Result<Self> {
        check(table)?;
        Ok(Self {
            table: table.to_owned(),
            database,
            publisher,
            poll_time,
            file: None,
            state: Mutex::default(),
            polls: Counter::new("polls"),
            held: Counter::new("polls_held"),
            published: Counter::new("events_published"),
            unreadable: CauseCounter::new("rows_unreadable"),
            failed: CauseCounter::new("poll_failures"),
        })
    }

    /// Saves the published state in a file of `state_dir`, `monitor-<table>`; only one process at a time may use it.
    #[must_use]
    pub fn keep_in(mut self, state_dir: &Path) -> Self {
        self.file = Some(CopyFile::of(state_dir, &self.table));
        self
    }

    /// Polls at once, and then every `poll_time` ± 20 %, until the future is dropped; if the database
    /// [notifies of changes](DbApi::watch), also a tenth of that after one. Failures are logged at a limited rate, and counted.
    ///
    /// # Cancel safety
    /// As [`poll`](Self::poll): what a dropped poll published is not published again.
    pub async fn run(&self) {
        loop {
            let seen = self.revision().await;
            if let Err(error) = self.poll().await
                && let Some(times) = self.failed.count(error.kind().as_str(), Instant::now())
            {
                tracing::warn!(
                    id = "SK0812",
                    times,
                    "the monitor of table {} retries at its next poll: {error}",
                    self.table
                );
            }
            // The watch covers the whole database: this pause limits polls for changes of other tables.
            sleep(self.poll_time / 10).await;
            let regular = sleep(self.poll_time.mul_f64(0.7 + 0.4 * fastrand::f64()));
            tokio::select! {
                () = regular => {}
                () = self.changed(seen) => {}
            }
        }
    }

    async fn revision(&self) -> Option<u64> {
        self.database.watch()?.revision().await.ok()
    }

    /// Returns when something has changed since this revision; never if the database cannot report it.
    async fn changed(&self, seen: Option<u64>) {
        if let (Some(watch), Some(seen)) = (self.database.watch(), seen)
            && watch.changed(seen).await.is_ok()
        {
            return;
        }
        pending().await
    }

    /// Reads the table once, and publishes its changes.
    ///
    /// # Errors
    /// Those of the database; the first of the publisher. An event that is refused as [`ErrorKind::Invalid`] does not stop the
    /// others; any other error ends the poll.
    ///
    /// # Cancel safety
    /// The next poll knows what was published before; the file may not have it yet.
    pub async fn poll(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        let began = Instant::now();
        let entries = self.database.get_all_entries(&self.table, None).await?;
        self.polls.add(1);
        let found = PolledRows::of(&self.table, entries);
        self.report_unreadable(&found);
        if state.copy.is_none() {
            state.copy = self.read_copy().await;
        }
        let done = match &mut state.copy {
            Some(_) => self.publish(&mut state, found, began).await,
            first => {
                *first = Some(found.to_copy());
                state.unsaved = true;
                Ok(())
            }
        };
        self.save(&mut state).await;
        done
    }

    fn report_unreadable(&self, found: &PolledRows) {
        for (key, error) in &found.unreadable {
            if let Some(times) = self.unreadable.count("no_object", Instant::now()) {
                tracing::warn!(id = "SK0807", times, "ignored row {}/{key}: {error}", self.table);
            }
        }
    }

    /// The counters, each with the table as its cause.
    #[must_use]
    pub fn status(&self) -> Status {
        let of_table = |name: &str, value| CounterReading {
            name: name.to_owned(),
            cause: Some(self.table.clone()),
            value,
        };
        let counters = vec![
            of_table("polls", self.polls.get()),
            of_table("poll_failures", self.failed.total()),
            of_table("polls_held", self.held.get()),
            of_table("events_published", self.published.get()),
            of_table("rows_unreadable", self.unreadable.total()),
        ];
        Status { counters, ..Status::default() }
    }

    async fn publish(&self, state: &mut State, found: PolledRows, began: Instant) -> Result<()> {
        let State { copy: Some(copy), guard, .. } = state else { return Ok(()) };
        let ConfirmedChanges { changes, is_held } = guard.confirmed(&self.table, copy, found, began);
        self.held.add(u64::from(is_held));
        let mut outcome = Ok(());
        for change in changes {
            match self.publisher.send_event(&change.event).await {
                Ok(()) => {
                    // No await in between, so the copy never misses a published change.
                    copy.published(change);
                    state.unsaved = true;
                    self.published.add(1);
                }
                Err(error) => {
                    let is_its_own = error.kind() == ErrorKind::Invalid;
                    outcome = outcome.and(Err(error));
                    if !is_its_own {
                        break;
                    }
                }
            }
        }
        outcome
    }

    /// Reads the copy that the previous process saved.
    async fn read_copy(&self) -> Option<TableCopy> {
        let file = self.file.clone()?;
        let read = spawn_blocking(move || file.read()).await;
        let read = read.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Internal, "the task that reads the file failed").with_source(error))
        });
        let table = &self.table;
        let beginning = "the current rows count as published";
        match read {
            Ok(Some(copy)) => return Some(copy),
            Ok(None) => {
                tracing::info!(
                    id = "SK0813",
                    "the monitor of table {table} starts without a saved copy: {beginning}"
                )
            }
            Err(error) => {
                tracing::warn!(
                    id = "SK0813",
                    "the monitor of table {table} starts without its saved copy: {error}; {beginning}"
                );
            }
        }
        None
    }

    /// Saves the copy; if that fails, it is saved after the next poll.
    async fn save(&self, state: &mut State) {
        let (Some(file), Some(copy), true) = (self.file.clone(), &state.copy, state.unsaved) else { return };
        let encoded = encode(copy);
        let written = spawn_blocking(move || file.write(&encoded)).await;
        match written {
            Ok(Ok(())) => state.unsaved = false,
            Ok(Err(error)) => self.log_unsaved(&error),
            Err(error) => self.log_unsaved(&error),
        }
    }

    fn log_unsaved(&self, error: &dyn std::fmt::Display) {
        if let Some(times) = self.failed.count("file", Instant::now()) {
            tracing::warn!(
                id = "SK0814",
                times,
                "cannot save the state of table {}; after a restart its changes may be published twice: {error}",
                self.table
            );
        }
    }
}

fn check(table: &str) -> Result<()> {
    let refused = |why: &str| Err(Error::new(ErrorKind::Settings, format!("monitor_tables: {why}")));
    match table {
        PUBLISHER_TABLE => refused(
            "leave out \"publisher\": the directory publishes its own changes, and each renewal of a lease would be sent to all \
             subscribers",
        ),
        SERVICE_TABLE => refused(
            "leave out \"service\": its rows only report periodically which programs are alive, and each report would be sent to \
             all subscribers; `skimmer service list` shows them",
        ),
        _ => check_table(table)
            .map_err(|error| Error::new(ErrorKind::Settings, "monitor_tables").with_source(error)),
    }
}
