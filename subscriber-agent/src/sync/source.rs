use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use delivery::{FullSyncAnswer, FullSyncRequest, StoredRow, Tables};
use northbound::stored_tables;
use pubsub_api::database::{DbApi, Entry};
use pubsub_api::settings::{Settings, UseNbDb};
use pubsub_api::{
    Driver, Envelope, Error, ErrorKind, Registry, Reply, Requester, Result, Role, Subscription, Subscriptions,
};
use subscriber_agent_settings::{AgentSettings, SyncFrom};
use tokio::time::timeout;

/// Where the rows of full syncs come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// The database itself.
    Database(Arc<dyn DbApi>),
    /// A publisher that reads it for those that cannot.
    Publishers(Box<AskedPublishers>),
}

/// Publishers, each of which can be asked.
#[derive(Debug)]
pub(crate) struct AskedPublishers {
    driver: &'static Driver,
    settings: Settings,
}

/// All rows, and the names of those whose values were not asked for.
pub(super) type Stored = (Tables, HashSet<(String, String)>);

/// For how long a publisher may say nothing while it is asked: it reads the whole database before its first word.
const SILENCE: Duration = Duration::from_secs(30);

impl Source {
    /// As the settings say; `None` if the database is not used.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for an unknown alias, and if publishers are to be asked whose driver carries no requests.
    pub(crate) fn of(registry: &Registry, settings: &Settings) -> Result<Option<Self>> {
        if AgentSettings::read(settings)?.sync_from == SyncFrom::Database {
            return Ok(registry.used_database(settings)?.map(Self::Database));
        }
        let alias = &settings.pubsub().pub_sub_driver;
        let driver = registry.find(alias, Role::Network)?;
        if !driver.capabilities.replay {
            let text =
                format!("agent.sync_from is \"publishers\", and {alias} cannot ask publishers anything");
            return Err(Error::new(ErrorKind::Settings, text));
        }
        let is_used = settings.pubsub().use_nb_db != UseNbDb::No;
        let publishers = || AskedPublishers { driver, settings: settings.clone() };
        Ok(is_used.then(|| Self::Publishers(Box::new(publishers()))))
    }

    /// All rows, as they were after this was called. `wanted`: of which topics the values are needed, if not of all; `live`:
    /// publishers that are there.
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

impl AskedPublishers {
    /// From the first that can tell, in an order by chance.
    async fn read(&self, wanted: Option<&Subscriptions>, mut live: Vec<String>) -> Result<Stored> {
        let request = FullSyncRequest { id: fastrand::u64(..), topics: wanted.and_then(only_topics) };
        fastrand::shuffle(&mut live);
        let mut why = Error::new(ErrorKind::Unavailable, "no publisher is there that could be asked");
        for endpoint in live {
            match self.ask(&endpoint, &request).await {
                Ok(stored) => return Ok(stored),
                Err(error) => why = error.context(format!("{endpoint} was asked for all rows")),
            }
        }
        Err(why)
    }

    /// Asks one publisher over a connection of its own: the answer may be long, and what is missing of topics is not to wait
    /// for it.
    async fn ask(&self, endpoint: &str, request: &FullSyncRequest) -> Result<Stored> {
        let subscriber = (self.driver.open)(&self.settings, Role::Network)?.subscriber();
        subscriber.register_listen_address(endpoint)?;
        subscriber.initialize().await?;
        let stored = match subscriber.requester() {
            Some(requester) => rows_of(requester, endpoint, request).await,
            None => Err(Error::new(ErrorKind::Unsupported, "the driver carries no requests")),
        };
        subscriber.close().await;
        stored
    }
}

/// The topics that are subscribed to, unless there are patterns among them or they are too many to name.
fn only_topics(wanted: &Subscriptions) -> Option<Vec<pubsub_api::Topic>> {
    let topics = wanted.iter().map(|subscription| match subscription {
        Subscription::Topic(topic) => Some(topic),
        Subscription::Pattern(_) => None,
    });
    topics.collect::<Option<Vec<_>>>().filter(|topics| topics.len() <= FullSyncRequest::MAX_TOPICS)
}

async fn rows_of(requester: &dyn Requester, endpoint: &str, request: &FullSyncRequest) -> Result<Stored> {
    if !requester.request(endpoint, request.pack()?) {
        return Err(Error::new(ErrorKind::Overloaded, "too many requests wait"));
    }
    let count = loop {
        match FullSyncAnswer::read(&part(requester).await?).map_err(nonsense)? {
            Some(FullSyncAnswer::Rows { id, count }) if id == request.id => break count,
            Some(FullSyncAnswer::Unavailable { id, reason }) if id == request.id => {
                return Err(Error::new(ErrorKind::Unavailable, reason));
            }
            _ => {}
        }
    };
    let (mut tables, mut names) = (Tables::new(), HashSet::new());
    for _ in 0..count {
        let StoredRow { table, place, value } = StoredRow::read(&part(requester).await?).map_err(nonsense)?;
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

/// The next part of the answer.
async fn part(requester: &dyn Requester) -> Result<Envelope> {
    let silent = || Error::new(ErrorKind::Unavailable, format!("it said nothing for {SILENCE:?}"));
    match timeout(SILENCE, requester.next()).await.map_err(|_| silent())?? {
        Reply::Part { envelope, .. } => Ok(envelope),
        Reply::Lost { reason, .. } => Err(Error::new(ErrorKind::Unavailable, reason)),
        Reply::Refused { reason, .. } => Err(Error::new(ErrorKind::Unsupported, reason)),
    }
}

fn nonsense(error: pubsub_api::wire::WireError) -> Error {
    Error::new(ErrorKind::Invalid, "its answer cannot be read").with_source(error)
}
