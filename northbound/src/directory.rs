use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pubsub_api::database::{DbApi, RowName};
use pubsub_api::{
    Action, CauseCounter, Counter, Error, ErrorKind, Event, Publisher, Result, SEND_ALL, Status,
};

use crate::leases::Leases;
use crate::publisher_row::{PUBLISHER_TABLE, PublisherRow};

/// The directory of publishers, as one publisher sees it: its own row, with a lease, and the rows of other publishers.
///
/// - [`run`](Self::run) writes the row at the start and renews it every third of `publisher_timeout`, ± 20 %, even when nothing
///   is published (docs/dragonflow.md#d10). The row stays over a restart; [`leave`](Self::leave) removes it.
/// - Rows of others whose lease is over are removed, and the directory that removes one publishes its `delete`
///   (docs/dragonflow.md#d8). If several find it at the same time, only one does. A lease is over when its row has not
///   changed for `publisher_timeout` on this host's clock ([`Leases`]); the clocks of other hosts do not matter.
/// - If another publisher has removed this publisher's row, the next renewal writes it again, logs and counts it.
/// - If this publisher's row is new or has a new address, it is published as `create` or `set` on `D`; if that fails, again
///   with the next renewal. A renewal is not published.
/// - Rows that cannot be read are ignored, logged and counted.
/// - An [observer](Self::observer) has no row of its own, and does the rest.
#[derive(Debug)]
pub struct Directory {
    database: Arc<dyn DbApi>,
    publisher: Arc<dyn Publisher>,
    /// Id and address; `None` for an observer.
    own: Option<(String, String)>,
    /// Whether its row was written, but not published.
    is_unpublished: AtomicBool,
    /// Whether its row was written since the start.
    is_written: AtomicBool,
    timeout: Duration,
    leases: Mutex<Leases>,
    renewed: Counter,
    removed: Counter,
    lost: Counter,
    failed: CauseCounter,
}

/// Limit of attempts to write a row that others change at the same time.
const ATTEMPTS: usize = 8;

impl Directory {
    /// The directory for the publisher `id`, which publishes at `uri`; `timeout` is `publisher_timeout`.
    #[must_use]
    pub fn new(
        database: Arc<dyn DbApi>,
        publisher: Arc<dyn Publisher>,
        own: (String, String),
        timeout: Duration,
    ) -> Self {
        Self { own: Some(own), ..Self::observer(database, publisher, timeout) }
    }

    /// A directory without an own row: it removes the stale rows of others, and publishes the removals through `publisher`.
    #[must_use]
    pub fn observer(database: Arc<dyn DbApi>, publisher: Arc<dyn Publisher>, timeout: Duration) -> Self {
        Self {
            database,
            publisher,
            own: None,
            is_unpublished: AtomicBool::new(false),
            is_written: AtomicBool::new(false),
            timeout,
            leases: Mutex::new(Leases::new(timeout)),
            renewed: Counter::new("leases_renewed"),
            removed: Counter::new("publishers_removed"),
            lost: Counter::new("own_row_removed"),
            failed: CauseCounter::new("directory_failures"),
        }
    }

    /// Renews the lease and removes stale rows until the future is dropped. If the database is unavailable, this is logged and
    /// counted, and the next attempt follows after a tenth of the usual time.
    ///
    /// # Cancel safety
    /// If the future is dropped, its last write may not be published: the own row, or the removal of a stale one.
    pub async fn run(&self) {
        loop {
            let renewed = self.announce(PublisherRow::now()).await;
            let done = match renewed {
                Ok(()) => self.remove_stale(tokio::time::Instant::now().into_std()).await.map(drop),
                failed => failed,
            };
            if let Err(error) = &done
                && let Some(times) = self.failed.count(error.kind().as_str(), Instant::now())
            {
                tracing::warn!(
                    id = "SK0804",
                    times,
                    "cannot update the directory of publishers, retrying: {error}"
                );
            }
            let pause = if done.is_ok() { self.timeout / 3 } else { self.timeout / 30 };
            tokio::time::sleep(pause.mul_f64(0.8 + 0.4 * fastrand::f64())).await;
        }
    }

    /// Writes this publisher's row with the time `now`, and publishes it if it is new or has a new address. An observer does
    /// nothing.
    ///
    /// # Errors
    /// Those of the database and of the publisher.
    pub async fn announce(&self, now: Duration) -> Result<()> {
        let Some((id, uri)) = &self.own else { return Ok(()) };
        let row = PublisherRow { id: id.clone(), uri: uri.clone(), last_activity: now };
        let (name, json) = (RowName::new(PUBLISHER_TABLE, id), row.to_json());
        for _ in 0..ATTEMPTS {
            let before = self.held(name).await?;
            let known = before.as_deref().map(PublisherRow::parse);
            if !matches!(&known, Some(Ok(known)) if known.uri == *uri) {
                // Before the row is written: the answer to that may be lost, and the next renewal then finds the row there.
                self.is_unpublished.store(true, Ordering::Relaxed);
            }
            // Another publisher may consider it stale and remove it meanwhile: then it is new.
            if self.database.compare_and_set(name, before.as_deref(), Some(json.clone())).await? {
                self.renewed.add(1);
                self.record_written(id, before.is_none());
                if !self.is_unpublished.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let action = if known.is_some() { Action::Set } else { Action::Create };
                self.publish(id, action, Some(&json)).await?;
                self.is_unpublished.store(false, Ordering::Relaxed);
                return Ok(());
            }
        }
        let text =
            format!("row {name} was changed by others {ATTEMPTS} times: does another publisher use this id?");
        Err(Error::new(ErrorKind::Conflict, text))
    }

    /// Records that the row was written, and whether it did not exist before (`is_new`).
    fn record_written(&self, id: &str, is_new: bool) {
        if self.is_written.swap(true, Ordering::Relaxed) && is_new {
            self.lost.add(1);
            tracing::warn!(
                id = "SK0805",
                "another publisher or an operator removed the row of {id} from the directory; it is written again, but \
                 agents may have disconnected meanwhile"
            );
        }
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the rows of others whose lease is over at `now`, and publishes that. Returns the removed rows.
    ///
    /// # Errors
    /// Those of the database and of the publisher. Rows removed and published before the error stay removed; a row whose
    /// removal could not be published is restored.
    pub async fn remove_stale(&self, now: Instant) -> Result<Vec<PublisherRow>> {
        let mut removed = Vec::new();
        for (held, row) in self.listed(now).await? {
            let is_own = self.own.as_ref().is_some_and(|(id, _)| row.id == *id);
            if is_own || !self.leases().is_over(&row.id, now) {
                continue;
            }
            // Its owner may renew it at this moment, or another publisher may remove it.
            let name = RowName::new(PUBLISHER_TABLE, &row.id);
            if self.database.compare_and_set(name, Some(&held), None).await? {
                if let Err(error) = self.publish(&row.id, Action::Delete, None).await {
                    // So that it is found again by a publisher that can publish the removal.
                    self.database.compare_and_set(name, None, Some(held)).await?;
                    return Err(error);
                }
                tracing::warn!(
                    id = "SK0806",
                    "removed publisher {} at {} from the directory: its row has not changed for {:?} (publisher_timeout)",
                    row.id,
                    row.uri,
                    self.timeout
                );
                self.removed.add(1);
                removed.push(row);
            }
        }
        Ok(removed)
    }

    /// All publishers whose lease is valid at `now`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn publishers(&self, now: Instant) -> Result<Vec<PublisherRow>> {
        let rows = self.listed(now).await?.into_iter().map(|(_, row)| row);
        let leases = self.leases();
        Ok(rows.filter(|row| !leases.is_over(&row.id, now)).collect())
    }

    /// Reads all rows, and records them for the leases at `now`.
    async fn listed(&self, now: Instant) -> Result<Vec<(Bytes, PublisherRow)>> {
        let rows = self.rows().await?;
        self.leases().listed(rows.iter().map(|(_, row)| row), now);
        Ok(rows)
    }

    /// Removes this publisher's row, if it exists, and publishes that.
    ///
    /// Agents that receive the removal disconnect. A service that only restarts does not call it: its lease bridges the
    /// restart.
    ///
    /// # Errors
    /// Those of the database and of the publisher.
    pub async fn leave(&self) -> Result<()> {
        let Some((id, _)) = &self.own else { return Ok(()) };
        let name = RowName::new(PUBLISHER_TABLE, id);
        match self.held(name).await? {
            Some(held) if self.database.compare_and_set(name, Some(&held), None).await? => {
                self.publish(id, Action::Delete, None).await
            }
            _ => Ok(()),
        }
    }

    /// The counters.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut counters = vec![self.renewed.read(), self.removed.read(), self.lost.read()];
        counters.extend(self.failed.read());
        Status { counters, ..Status::default() }
    }

    async fn held(&self, name: RowName<'_>) -> Result<Option<Bytes>> {
        Ok(self.database.get_batch(&[name]).await?.pop().flatten())
    }

    async fn rows(&self) -> Result<Vec<(Bytes, PublisherRow)>> {
        let mut rows = Vec::new();
        for entry in self.database.get_all_entries(PUBLISHER_TABLE, None).await? {
            match PublisherRow::parse(&entry.value) {
                Ok(row) if row.id == entry.place.key => rows.push((entry.value, row)),
                unreadable => {
                    let error = unreadable
                        .err()
                        .map_or_else(|| "its id is not its key".to_owned(), |error| error.to_string());
                    if let Some(times) = self.failed.count("bad_row", Instant::now()) {
                        tracing::warn!(
                            id = "SK0807",
                            times,
                            "ignored row {} of table publisher: {error}",
                            entry.place.key
                        );
                    }
                }
            }
        }
        Ok(rows)
    }

    async fn publish(&self, id: &str, action: Action, json: Option<&Bytes>) -> Result<()> {
        let value = json.map(|json| String::from_utf8_lossy(json).into_owned());
        self.publisher.send_event(&Event::new(PUBLISHER_TABLE, id, action, value, SEND_ALL)).await
    }
}
