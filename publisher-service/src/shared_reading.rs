use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use delivery::{RowSource, Tables};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use northbound::stored_tables;
use pubsub_api::database::DbApi;
use pubsub_api::{Error, ErrorKind, Result};

/// Reads the northbound database for agents that have no access to it. Requests that arrive before a read starts share its
/// result, so that full syncs of a thousand agents cost one or two reads. The rows are freed when the last reply is sent.
#[derive(Debug)]
pub(crate) struct SharedReading(Arc<State>);

#[derive(Debug)]
struct State {
    database: Arc<dyn DbApi>,
    /// One read at a time.
    reading: tokio::sync::Mutex<()>,
    /// The read that has not started yet; new requests share it.
    next: Mutex<Option<Reading>>,
}

type Reading = Shared<BoxFuture<'static, Read>>;

/// The error as kind and text, because `Error` cannot be cloned for several requests.
type Read = std::result::Result<Arc<Tables>, (ErrorKind, String)>;

impl SharedReading {
    pub(crate) fn new(database: Arc<dyn DbApi>) -> Self {
        Self(Arc::new(State { database, reading: tokio::sync::Mutex::default(), next: Mutex::default() }))
    }
}

impl State {
    fn next(&self) -> MutexGuard<'_, Option<Reading>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(self: Arc<Self>) -> Read {
        let _one = self.reading.lock().await;
        // Later requests need a new read: this one may miss their rows.
        *self.next() = None;
        let tables = stored_tables(&*self.database).await;
        tables.map(Arc::new).map_err(|error| (error.kind(), error.to_string()))
    }
}

#[async_trait]
impl RowSource for SharedReading {
    async fn tables(&self) -> Result<Arc<Tables>> {
        let state = &self.0;
        let reading = {
            let mut next = state.next();
            next.get_or_insert_with(|| Arc::clone(state).read().boxed().shared()).clone()
        };
        reading.await.map_err(|(kind, text)| Error::new(kind, text))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use delivery::RowSource;
    use pubsub_api::Registry;
    use pubsub_api::database::{DbApi, RowName};
    use settings::Sources;

    use super::SharedReading;

    async fn database(name: &str) -> Arc<dyn DbApi> {
        let registry = Registry::collect().unwrap();
        let sets = vec![format!("drivers.memory.database={name}")];
        let sources = Sources { sets, ..Sources::default() };
        let (settings, _) = all_settings::load(&sources, &registry.settings()).unwrap();
        let database = registry.open_database("memory_nb_db_driver", &settings).unwrap();
        database.initialize().await.unwrap();
        database
    }

    #[tokio::test]
    async fn requests_during_the_wait_share_a_read_and_later_requests_get_a_new_one() {
        let database = database("shared-reading").await;
        let source = SharedReading::new(Arc::clone(&database));
        // While this lock is held, another read is running.
        let busy = source.0.reading.lock().await;
        let (mut one, mut other) = (source.tables(), source.tables());
        for request in [&mut one, &mut other] {
            assert!(tokio::time::timeout(Duration::ZERO, request).await.is_err(), "the request waits");
        }
        database.create_key(RowName::new("t", "k"), "{}".into(), false).await.unwrap();
        drop(busy);
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        assert!(Arc::ptr_eq(&one, &other), "one read for both");
        assert_eq!(one.len(), 1, "the read started after the row was written");
        let later = source.tables().await.unwrap();
        assert!(!Arc::ptr_eq(&one, &later));
    }

    #[tokio::test]
    async fn a_read_whose_requests_were_all_cancelled_blocks_no_later_request() {
        let source = SharedReading::new(database("given-up-reading").await);
        let busy = source.0.reading.lock().await;
        assert!(tokio::time::timeout(Duration::ZERO, source.tables()).await.is_err());
        drop(busy);
        source.tables().await.unwrap();
    }

    #[tokio::test]
    async fn a_failed_read_returns_the_error_of_the_database() {
        let database = database("closed-reading").await;
        database.close().await.unwrap();
        let error = SharedReading::new(database).tables().await.unwrap_err();
        assert_eq!(error.kind(), pubsub_api::ErrorKind::Closed, "{error}");
    }
}
