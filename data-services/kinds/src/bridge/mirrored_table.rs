use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use data_services::{Difference, KeyColumns, Row, ServiceHandle, ServiceId, TableEvent, TableId, TraceId};
use pubsub_api::{ErrorKind, Result};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::table_feed::TableFeed;

/// When a publication that failed is tried again, if no event comes before.
const RETRY: Duration = Duration::from_secs(10);

/// A table of a mirror, and the task that keeps it equal to its source. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct MirroredTable {
    key: KeyColumns,
    has_publishers: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl MirroredTable {
    /// Mirrors a table of the service `of`, which `source` subscribes to, as a table of `mirror`. Notifies `changed` when it
    /// gets its first publisher, loses its last one, or ends.
    pub(super) fn start(
        source: ServiceHandle,
        of: ServiceId,
        table: TableId,
        key: KeyColumns,
        mirror: ServiceHandle,
        changed: Arc<Notify>,
    ) -> Self {
        let has_publishers = Arc::new(AtomicBool::new(false));
        let feed = TableFeed::new(mirror, table.as_str(), key.clone());
        let copy = Copying { of, table, feed, has_publishers: Arc::clone(&has_publishers), changed };
        Self { key, has_publishers, task: tokio::spawn(copy.run(source)) }
    }

    /// Returns whether the task runs, with these key columns.
    pub(super) fn is_of(&self, key: &KeyColumns) -> bool {
        self.key == *key && !self.task.is_finished()
    }

    /// Returns whether the table has rows of any publisher, maybe stale ones.
    pub(super) fn has_publishers(&self) -> bool {
        self.has_publishers.load(Ordering::Relaxed)
    }
}

impl Drop for MirroredTable {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The state of the task.
struct Copying {
    of: ServiceId,
    table: TableId,
    feed: TableFeed,
    has_publishers: Arc<AtomicBool>,
    changed: Arc<Notify>,
}

impl Copying {
    async fn run(mut self, source: ServiceHandle) {
        if let Err(error) = self.copy(&source).await
            && error.kind() != ErrorKind::Closed
        {
            // The bridge starts the table again when it next compares the registries.
            tracing::warn!(id = "SK1016", service = %self.of, table = %self.table, "the mirror of a table is interrupted: {error}");
        }
        self.changed.notify_one();
    }

    async fn copy(&mut self, source: &ServiceHandle) -> Result<()> {
        let mut subscription = source.subscribe(self.of.as_str(), self.table.as_str()).await?;
        loop {
            let event = tokio::select! {
                event = subscription.next() => event,
                () = sleep(RETRY), if self.feed.is_behind() => {
                    self.publish(Difference::default(), None).await?;
                    continue;
                }
            };
            match event {
                None => return Ok(()),
                Some(event) => self.event(event).await?,
            }
        }
    }

    async fn event(&mut self, event: TableEvent) -> Result<()> {
        // Another service may listen on an address that is the name of this one.
        if event.publisher().service != self.of {
            return Ok(());
        }
        if let TableEvent::Raw { value, .. } = event {
            return self.logged(self.feed.service().send_raw(self.table.as_str(), value).await);
        }
        let difference = self.feed.accept(&event, |row: &Row| Some(row.clone()));
        self.publish(difference, event.trace()).await
    }

    async fn publish(&mut self, difference: Difference, trace: Option<TraceId>) -> Result<()> {
        let published = self.feed.publish(difference, trace).await;
        let has_publishers = !self.feed.is_empty();
        if self.has_publishers.swap(has_publishers, Ordering::Relaxed) != has_publishers {
            self.changed.notify_one();
        }
        self.logged(published)
    }

    /// An error of the mirror is logged and tried again; one of a service that has stopped ends the task.
    fn logged(&self, result: Result<()>) -> Result<()> {
        match result {
            Err(error) if matches!(error.kind(), ErrorKind::Closed | ErrorKind::NotFound) => Err(error),
            Err(error) => {
                tracing::warn!(id = "SK1016", service = %self.of, table = %self.table, "the mirror of a table is behind: {error}");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}
