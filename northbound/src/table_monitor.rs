use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pubsub_api::database::{DbApi, check_table};
use pubsub_api::{Counter, CounterReading, Error, ErrorKind, Publisher, Result, Status, Tally};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::cause::cause;
use crate::copy_file::{CopyFile, encode};
use crate::delete_guard::{Confirmed, DeleteGuard};
use crate::table_copy::{Found, TableCopy};
use crate::{PUBLISHER_TABLE, SERVICE_TABLE};

/// Publishes the changes of one table that their writers do not publish themselves (dragonflow-pubsub.md 5.4): it reads the
/// table time and again, and what is new, other or gone goes out on `D` as `create`, `set` or `delete`, with the object's
/// version if it has one.
///
/// - A row that one poll does not find may have been evicted, or its database may be loading: its `delete` is published when the
///   next poll does not find it either. If more than half of the rows are missing, and more than ten, or all, the database
///   has probably lost them: that is logged and counted, and they are deleted only after ten minutes of such polls
///   ([`AbsenceRule`](delivery::rows::AbsenceRule)).
/// - No error ends it (defect D7). The copy of what was published goes on row by row, with each event that the publisher
///   accepts; what it did not accept is due again at the next poll, and so is everything while the database is away.
/// - The copy outlives the process, in a file, so that a restart does not announce everything anew (defect D9). What was
///   published in the poll that a crash ended may be published again.
/// - Without that file, at the very first start, or if it is damaged, the first poll only fills the copy and publishes nothing:
///   agents compare with the database at their start and every `db_sync_time`, and find there what changed meanwhile; to
///   announce every row instead would flood all of them, for a few rows that they find anyway.
/// - Rows that are no objects ([`Object`](crate::Object)), or not in the row of their `id`, are named in the log, counted, and
///   left as they are in the copy. Of rows of several topics with one key one counts, as events know table and key only.
/// - Of several services at one database each publishes what it finds: equal events, which agents tell by version.
///
/// In memory it keeps for each row the key and 16 bytes; during a poll, all that the table holds.
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
    unreadable: Tally,
    failed: Tally,
}

#[derive(Debug, Default)]
struct State {
    /// `None` until it was read or filled.
    copy: Option<TableCopy>,
    guard: DeleteGuard,
    /// Whether the file does not have it yet.
    unsaved: bool,
}

impl TableMonitor {
    /// For a table that is read every `poll_time`, and whose changes go out by `publisher`.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the name is no table's, or the table is one that is written without end:
    /// [`PUBLISHER_TABLE`], which is the [directory's](crate::Directory), and [`SERVICE_TABLE`].
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
            unreadable: Tally::new("rows_unreadable"),
            failed: Tally::new("poll_failures"),
        })
    }

    /// Keeps what was published in a file of `state_dir`, `monitor-<table>`; one process at a time may do so.
    #[must_use]
    pub fn keep_in(mut self, state_dir: &Path) -> Self {
        self.file = Some(CopyFile::of(state_dir, &self.table));
        self
    }

    /// Polls at once, and then every `poll_time`, give or take a fifth, until the future is dropped; where the database
    /// [tells of changes](DbApi::watch), also a tenth of that after one. What fails is told, at a limited rate, and counted.
    pub async fn run(&self) {
        loop {
            let seen = self.revision().await;
            if let Err(error) = self.poll().await
                && let Some(times) = self.failed.count(cause(&error), Instant::now())
            {
                tracing::warn!(
                    times,
                    "the monitor of table {} goes on at the next poll: {error}",
                    self.table
                );
            }
            // Whatever else is changed in the database: the table is not read time and again for it.
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

    /// Returns when something is not as it was at this revision; never if that cannot be told.
    async fn changed(&self, seen: Option<u64>) {
        if let (Some(watch), Some(seen)) = (self.database.watch(), seen)
            && watch.changed(seen).await.is_ok()
        {
            return;
        }
        pending().await
    }

    /// Reads the table once, and publishes what has changed since.
    ///
    /// # Errors
    /// Those of the database; the first of the publisher. An event that is refused for what it is
    /// ([`ErrorKind::Invalid`]) holds up no other; after any other error the poll is over.
    ///
    /// # Cancel safety
    /// What was published by then is known to the next poll; the file may not have it yet.
    pub async fn poll(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        let began = Instant::now();
        let entries = self.database.get_all_entries(&self.table, None).await?;
        self.polls.add(1);
        let found = Found::of(&self.table, entries);
        for (key, error) in &found.unreadable {
            if let Some(times) = self.unreadable.count("no_object", Instant::now()) {
                tracing::warn!(times, "row {}/{key} is left alone: {error}", self.table);
            }
        }
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

    /// Its counters, each with the table as its cause.
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

    async fn publish(&self, state: &mut State, found: Found, began: Instant) -> Result<()> {
        let State { copy: Some(copy), guard, .. } = state else { return Ok(()) };
        let Confirmed { changes, is_held } = guard.confirmed(&self.table, copy, found, began);
        self.held.add(u64::from(is_held));
        let mut outcome = Ok(());
        for change in changes {
            match self.publisher.send_event(&change.event).await {
                Ok(()) => {
                    // No await in between: what was published is in the copy.
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

    /// The copy of the process before this one.
    async fn read_copy(&self) -> Option<TableCopy> {
        let file = self.file.clone()?;
        let read = spawn_blocking(move || file.read()).await;
        let read = read.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Internal, "reading a file failed").with_source(error))
        });
        let table = &self.table;
        let beginning = "what is in the table now counts as published";
        match read {
            Ok(Some(copy)) => return Some(copy),
            Ok(None) => tracing::info!("the monitor of table {table} begins: {beginning}"),
            Err(error) => {
                tracing::warn!("the monitor of table {table} begins anew: {error}; {beginning}");
            }
        }
        None
    }

    /// What cannot be written now is written after the next poll.
    async fn save(&self, state: &mut State) {
        let (Some(file), Some(copy), true) = (self.file.clone(), &state.copy, state.unsaved) else { return };
        let encoded = encode(copy);
        let written = spawn_blocking(move || file.write(&encoded)).await;
        match written {
            Ok(Ok(())) => state.unsaved = false,
            Ok(Err(error)) => self.tell_unsaved(&error),
            Err(error) => self.tell_unsaved(&error),
        }
    }

    fn tell_unsaved(&self, error: &dyn std::fmt::Display) {
        if let Some(times) = self.failed.count("file", Instant::now()) {
            tracing::warn!(
                times,
                "after a restart changes of table {} may be published twice: {error}",
                self.table
            );
        }
    }
}

fn check(table: &str) -> Result<()> {
    let refused = |why: &str| Err(Error::new(ErrorKind::Settings, format!("monitor_tables: {why}")));
    match table {
        PUBLISHER_TABLE => refused(
            "leave out \"publisher\": the directory itself publishes who comes and goes, and each renewal of a lease would \
             go out to everyone",
        ),
        SERVICE_TABLE => refused(
            "leave out \"service\": its rows say only who is alive, time and again, which would go out to everyone; \
             `skimmer service list` shows them",
        ),
        _ => check_table(table)
            .map_err(|error| Error::new(ErrorKind::Settings, "monitor_tables").with_source(error)),
    }
}
