use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use delivery::{RowSource, Tables};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use northbound::stored_tables;
use pubsub_api::database::DbApi;
use pubsub_api::{Error, ErrorKind, Result};

/// Reads the northbound database for agents that cannot: once for all that asked before it began, so that a thousand agents
/// that want to compare cost as many answers, and one or two reads. What was read is kept for as long as it is sent.
#[derive(Debug)]
pub(crate) struct SharedReading(Arc<State>);

#[derive(Debug)]
struct State {
    database: Arc<dyn DbApi>,
    /// One read at a time.
    reading: tokio::sync::Mutex<()>,
    /// The read that has not begun yet: whoever asks now may have its outcome.
    next: Mutex<Option<Reading>>,
}

type Reading = Shared<BoxFuture<'static, Read>>;

/// An error as several can have it.
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
        // From here on it has begun.
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
    async fn who_asks_while_a_read_waits_shares_it_and_who_asks_later_sees_what_was_written_since() {
        let database = database("shared-reading").await;
        let source = SharedReading::new(Arc::clone(&database));
        // A read is under way for as long as this is held.
        let busy = source.0.reading.lock().await;
        let (mut one, mut other) = (source.tables(), source.tables());
        for asked in [&mut one, &mut other] {
            assert!(tokio::time::timeout(Duration::ZERO, asked).await.is_err(), "it waits");
        }
        database.create_key(RowName::new("t", "k"), "{}".into(), false).await.unwrap();
        drop(busy);
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        assert!(Arc::ptr_eq(&one, &other), "one read for both");
        assert_eq!(one.len(), 1, "it began after the row was written");
        let later = source.tables().await.unwrap();
        assert!(!Arc::ptr_eq(&one, &later));
    }

    #[tokio::test]
    async fn a_read_that_everybody_gave_up_holds_up_nobody() {
        let source = SharedReading::new(database("given-up-reading").await);
        let busy = source.0.reading.lock().await;
        assert!(tokio::time::timeout(Duration::ZERO, source.tables()).await.is_err());
        drop(busy);
        source.tables().await.unwrap();
    }

    #[tokio::test]
    async fn why_the_database_cannot_be_read_is_told() {
        let database = database("closed-reading").await;
        database.close().await.unwrap();
        let error = SharedReading::new(database).tables().await.unwrap_err();
        assert_eq!(error.kind(), pubsub_api::ErrorKind::Closed, "{error}");
    }
}
