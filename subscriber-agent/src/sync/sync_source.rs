use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use delivery::{FullSyncReply, FullSyncRequest, StoredRow, Tables};
use northbound::stored_tables;
use pubsub_api::database::{DbApi, Entry};
use pubsub_api::settings::{Settings, UseNbDb};
use pubsub_api::{
    Driver, Envelope, Error, ErrorKind, Registry, Reply, Requester, Result, Role, Subscription, Subscriptions,
};
use subscriber_agent_settings::{AgentSettings, SyncFrom};
use tokio::time::timeout;

/// The source of the rows for full syncs.
#[derive(Debug)]
pub(crate) enum SyncSource {
    /// The database itself.
    Database(Arc<dyn DbApi>),
    /// Publishers that read the database for agents without access.
    Publishers(Box<PublisherSource>),
}

/// Requests rows from publishers.
#[derive(Debug)]
pub(crate) struct PublisherSource {
    driver: &'static Driver,
    settings: Settings,
}

/// All rows, and the names of the rows whose values were not requested.
pub(super) type Stored = (Tables, HashSet<(String, String)>);

/// The timeout for each part of a reply. It is long because a publisher reads the whole database before the first part.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);

impl SyncSource {
    /// The source from the settings; `None` if the database is not used.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for an unknown alias, and if rows should come from publishers but the driver does not support
    /// requests.
    pub(crate) fn of(registry: &Registry, settings: &Settings) -> Result<Option<Self>> {
        if AgentSettings::read(settings)?.sync_from == SyncFrom::Database {
            return Ok(registry.used_database(settings)?.map(Self::Database));
        }
        let alias = &settings.pubsub().pub_sub_driver;
        let driver = registry.find(alias, Role::Network)?;
        if !driver.capabilities.replay {
            let text = format!(
                "agent.sync_from is \"publishers\", but {alias} does not support requests to publishers"
            );
            return Err(Error::new(ErrorKind::Settings, text));
        }
        let is_used = settings.pubsub().use_nb_db != UseNbDb::No;
        let publishers = || PublisherSource { driver, settings: settings.clone() };
        Ok(is_used.then(|| Self::Publishers(Box::new(publishers()))))
    }

    /// Reads all rows as of a time after this call. `wanted` limits the topics whose values are needed; `live` are the
    /// connected publishers.
    pub(super) async fn read(&self, wanted: Option<&Subscriptions>, live: Vec<String>) -> Result<Stored> {
        match self {
            Self::Database(database) => {
                database.initialize().await?;
                Ok((stored_tables(&**database).await?, HashSet::new()))
            }
            Self::Publishers(publishers) => publishers.read(wanted, live).await,
        }
    }
}

impl PublisherSource {
    /// Reads from the first publisher that replies, in random order.
    async fn read(&self, wanted: Option<&Subscriptions>, mut live: Vec<String>) -> Result<Stored> {
        let request = FullSyncRequest { id: fastrand::u64(..), topics: wanted.and_then(only_topics) };
        fastrand::shuffle(&mut live);
        let mut failure = Error::new(ErrorKind::Unavailable, "no connected publisher to request rows from");
        for endpoint in live {
            match self.request(&endpoint, &request).await {
                Ok(stored) => return Ok(stored),
                Err(error) => failure = error.context(format!("cannot read all rows from {endpoint}")),
            }
        }
        Err(failure)
    }

    /// Requests the rows from one publisher over a separate connection: the reply may be long, and requests for missing events
    /// must not wait for it.
    async fn request(&self, endpoint: &str, request: &FullSyncRequest) -> Result<Stored> {
        let subscriber = (self.driver.open)(&self.settings, Role::Network)?.subscriber();
        subscriber.register_listen_address(endpoint)?;
        subscriber.initialize().await?;
        let stored = match subscriber.requester() {
            Some(requester) => rows_of(requester, endpoint, request).await,
            None => Err(Error::new(ErrorKind::Unsupported, "the driver does not support requests")),
        };
        subscriber.close().await;
        stored
    }
}

/// The subscribed topics; `None` if there are patterns among them or too many topics for a request.
fn only_topics(wanted: &Subscriptions) -> Option<Vec<pubsub_api::Topic>> {
    let topics = wanted.iter().map(|subscription| match subscription {
        Subscription::Topic(topic) => Some(topic),
        Subscription::Pattern(_) => None,
    });
    topics.collect::<Option<Vec<_>>>().filter(|topics| topics.len() <= FullSyncRequest::MAX_TOPICS)
}

async fn rows_of(requester: &dyn Requester, endpoint: &str, request: &FullSyncRequest) -> Result<Stored> {
    if !requester.request(endpoint, request.pack()?) {
        return Err(Error::new(ErrorKind::Overloaded, "the driver's queue of requests is full"));
    }
    let count = loop {
        match FullSyncReply::read(&part(requester).await?).map_err(malformed)? {
            Some(FullSyncReply::Rows { id, count }) if id == request.id => break count,
            Some(FullSyncReply::Unavailable { id, reason }) if id == request.id => {
                return Err(Error::new(ErrorKind::Unavailable, reason));
            }
            _ => {}
        }
    };
    let (mut tables, mut names) = (Tables::new(), HashSet::new());
    for _ in 0..count {
        let StoredRow { table, place, value } =
            StoredRow::read(&part(requester).await?).map_err(malformed)?;
        match value {
            None => drop(names.insert((table, place.key))),
            Some(value) => match tables.last_mut().filter(|(last, _)| *last == table) {
                Some((_, entries)) => entries.push(Entry { place, value }),
                None => tables.push((table, vec![Entry { place, value }])),
            },
        }
    }
    Ok((tables, names))
}

/// The next part of the reply.
async fn part(requester: &dyn Requester) -> Result<Envelope> {
    let timed_out = || Error::new(ErrorKind::Unavailable, format!("no reply within {REPLY_TIMEOUT:?}"));
    match timeout(REPLY_TIMEOUT, requester.next()).await.map_err(|_| timed_out())?? {
        Reply::Part { envelope, .. } => Ok(envelope),
        Reply::Lost { reason, .. } => Err(Error::new(ErrorKind::Unavailable, reason)),
        Reply::Refused { reason, .. } => Err(Error::new(ErrorKind::Unsupported, reason)),
    }
}

fn malformed(error: pubsub_api::wire::WireError) -> Error {
    Error::new(ErrorKind::Invalid, "the reply is malformed").with_source(error)
}
