use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use data_services::{KeyColumns, Row, Service, ServiceBuilder, ServiceHandle, StopSignal, TableId};
use pubsub_api::{ErrorKind, Result};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::polled_tables::{PolledRows, PolledTables};
use super::refreshes::{RefreshQueue, Refreshes};
use super::{DataSource, PollingOptions};
use crate::status_board::{StatusBoard, subscribers};

/// A service that polls a [`DataSource`] at an interval.
///
/// - All tables of one poll change in one transaction. If the engine refuses one of them, such as one above `table_bytes`, the
///   others are published one by one; the refused one keeps its rows and is tried again at each poll.
/// - An error of the source is kept in the status; all tables keep their rows, and the next poll is after the interval.
/// - The method `refresh` polls at once, also if the service is lazy and has no subscriber, and returns the status after a poll
///   that began after the call; calls during a poll share the next one.
/// - The method `status` returns a [`ServiceStatus`](crate::ServiceStatus).
/// - A service that was restarted or reloaded keeps its tables and subscribers; its first poll changes what differs.
#[derive(Debug)]
pub struct PollingService<S> {
    source: S,
    options: PollingOptions,
    board: StatusBoard,
    refreshes: Refreshes,
    queue: RefreshQueue,
    subscribers_changed: Arc<Notify>,
    /// The tables of the service, as the engine knows them.
    declared: BTreeMap<TableId, KeyColumns>,
    /// What was polled and could not be published.
    unpublished: BTreeMap<TableId, (KeyColumns, Vec<Row>)>,
}

impl<S: DataSource> PollingService<S> {
    /// A service of this source.
    #[must_use]
    pub fn new(source: S, options: PollingOptions) -> Self {
        let (refreshes, queue) = Refreshes::new();
        Self {
            source,
            options,
            board: StatusBoard::default(),
            refreshes,
            queue,
            subscribers_changed: Arc::default(),
            declared: BTreeMap::new(),
            unpublished: BTreeMap::new(),
        }
    }

    async fn step(&mut self, service: &ServiceHandle) -> Result<()> {
        let due = self.queue.due();
        let is_wanted = !self.options.lazy || self.queue.is_due() || !subscribers(service).await?.is_empty();
        if is_wanted {
            self.poll(service).await?;
        } else {
            self.announce(service).await?;
        }
        self.queue.serve(due);
        Ok(())
    }

    async fn poll(&mut self, service: &ServiceHandle) -> Result<()> {
        match self.source.poll().await {
            Ok(polled) => {
                let mut errors = polled.errors.clone();
                self.publish(service, polled, &mut errors).await?;
                self.board.updated(&errors);
            }
            Err(error) => self.board.failed(error),
        }
        Ok(())
    }

    /// Announces the tables of a lazy service that has no subscriber.
    async fn announce(&mut self, service: &ServiceHandle) -> Result<()> {
        match self.source.tables().await {
            Ok(tables) => self.commit(service, &tables, &[]).await.or_else(|error| self.note(error)),
            Err(error) => self.note(error),
        }
    }

    /// Keeps an error in the status, unless the node has ended.
    fn note(&self, error: pubsub_api::Error) -> Result<()> {
        if error.kind() == ErrorKind::Closed {
            return Err(error);
        }
        self.board.failed(error);
        Ok(())
    }

    async fn publish(
        &mut self,
        service: &ServiceHandle,
        polled: PolledTables,
        errors: &mut Vec<String>,
    ) -> Result<()> {
        let mut wanted = BTreeMap::new();
        for (table, polled) in polled.tables {
            if let PolledRows::New(rows) = polled.rows {
                self.unpublished.insert(table.clone(), (polled.key, rows));
            }
            let kept = self.declared.get(&table);
            if let Some(key) = self.unpublished.get(&table).map(|(key, _)| key).or(kept) {
                wanted.insert(table, key.clone());
            }
        }
        self.unpublished.retain(|table, _| wanted.contains_key(table));
        let new: Vec<TableId> = self.unpublished.keys().cloned().collect();
        match self.commit(service, &wanted, &new).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Closed => Err(error),
            Err(_) => self.publish_each(service, &wanted, &new, errors).await,
        }
    }

    /// Publishes each table for itself, so that one which is refused does not hold back the others.
    async fn publish_each(
        &mut self,
        service: &ServiceHandle,
        wanted: &BTreeMap<TableId, KeyColumns>,
        new: &[TableId],
        errors: &mut Vec<String>,
    ) -> Result<()> {
        let mut accepted = self.declared.clone();
        accepted.retain(|table, _| wanted.contains_key(table));
        for table in new {
            let mut tables = accepted.clone();
            tables.extend(wanted.get_key_value(table).map(|(table, key)| (table.clone(), key.clone())));
            match self.commit(service, &tables, std::slice::from_ref(table)).await {
                Ok(()) => accepted = tables,
                Err(error) if error.kind() == ErrorKind::Closed => return Err(error),
                Err(error) => errors.push(format!("table {table} is not published: {error}")),
            }
        }
        Ok(())
    }

    /// Makes the tables of the service these, and publishes what was polled of the `new` ones.
    async fn commit(
        &mut self,
        service: &ServiceHandle,
        tables: &BTreeMap<TableId, KeyColumns>,
        new: &[TableId],
    ) -> Result<()> {
        let mut transaction = service.transaction();
        for table in self.declared.keys().filter(|table| !tables.contains_key(*table)) {
            transaction = transaction.withdraw(table.as_str());
        }
        for (table, key) in tables.iter().filter(|(table, key)| self.declared.get(*table) != Some(*key)) {
            transaction = transaction.declare(table.as_str(), key.clone());
        }
        for (table, (_, rows)) in self.unpublished.iter().filter(|(table, _)| new.contains(table)) {
            transaction = transaction.publish(table.as_str(), rows.clone());
        }
        transaction.commit().await?;
        self.declared.clone_from(tables);
        new.iter().for_each(|table| drop(self.unpublished.remove(table)));
        Ok(())
    }
}

#[async_trait]
impl<S: DataSource> Service for PollingService<S> {
    fn declare(&self, service: ServiceBuilder) -> ServiceBuilder {
        let (refreshes, board, status) = (self.refreshes.clone(), self.board.clone(), self.board.clone());
        let (first, last) = (Arc::clone(&self.subscribers_changed), Arc::clone(&self.subscribers_changed));
        service
            .keep_tables()
            .method("refresh", move |_| {
                let (refreshes, board) = (refreshes.clone(), board.clone());
                async move {
                    refreshes.refresh().await?;
                    Ok(board.report().await?)
                }
            })
            .method("status", move |_| {
                let board = status.clone();
                async move { Ok(board.report().await?) }
            })
            .on_first_subscriber(move |_| {
                first.notify_one();
                async {}
            })
            .on_no_subscriber(move |_| {
                last.notify_one();
                async {}
            })
    }

    async fn run(&mut self, service: ServiceHandle, mut stop: StopSignal) -> Result<()> {
        self.board.attach(&service);
        self.declared = service.tables().await?;
        loop {
            self.step(&service).await?;
            let (interval, lazy) = (self.options.interval, self.options.lazy);
            tokio::select! {
                () = stop.stopped() => break,
                () = self.queue.wait() => {}
                () = self.subscribers_changed.notified(), if lazy => {}
                () = due(&mut self.source, interval) => {}
            }
        }
        self.source.close().await;
        Ok(())
    }
}

/// Waits for the next regular poll. A source that reports changes all the time is polled ten times as often at most.
async fn due(source: &mut impl DataSource, interval: Duration) {
    let changed = async {
        sleep(interval / 10).await;
        source.changed().await;
    };
    tokio::select! {
        () = sleep(interval) => {}
        () = changed => {}
    }
}
