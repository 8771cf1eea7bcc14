use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::{
    Batch, EncodedEvent, Envelope, Error, ErrorKind, Publisher, PublisherEpoch, Result, Status, Topic,
};
use sealing::{SealedParts, SealingOptions};
use tokio::task::JoinSet;

use super::announce::announcer;
use super::applied::{self, AgentReading, RowReading};
use super::core::Core;
use super::identity::Identity;
use super::options::PublisherOptions;
use super::ring::record_builder::{RecordBuilder, Refused};
use super::ring::ring_keeper::{self, RingHome};
use super::status;
use super::supervise::supervise;
use super::sync::{snapshot_reader, sync_server};
use crate::RowSource;
use crate::keyring_watch::watch;

/// A network driver's publisher whose events are not lost unnoticed (docs/design.md#delivery).
///
/// - Each event gets its sequence, and is written to the ring, before the driver gets it. `Ok` of [`publish`](Self::publish)
///   means that both were done, so the batch's [sources](Batch::sources) may be acknowledged.
/// - An event that a worker sends again is published once.
/// - `$hello` and marks are sent periodically, and to new subscribers at once where the driver sees them.
/// - Subscribers that missed events receive them, where the driver carries requests.
/// - An overloaded driver makes `publish` wait. An event on which the driver panics, or that it refuses for good, is replaced
///   by a loss record; the other events follow.
///
/// It is a [`Publisher`] itself, for programs that publish without a service. Reserved topics are passed to the driver
/// unchanged.
///
/// ```
/// use delivery::{PublisherOptions, StampedPublisher};
/// use pubsub_api::{Event, Publisher, Result};
/// use std::sync::Arc;
///
/// async fn publish(driver: Arc<dyn Publisher>, event: &Event) -> Result<()> {
///     let options = PublisherOptions {
///         state_dir: None,
///         ring_bytes: 64 << 20,
///         snapshot_bytes: 64 << 20,
///         max_topics: 65_536,
///     };
///     let publisher = StampedPublisher::new(driver, "api-1".to_owned(), options);
///     publisher.initialize().await?;
///     publisher.send_event(event).await?;
///     publisher.close().await
/// }
/// ```
#[derive(Debug)]
pub struct StampedPublisher {
    driver: Arc<dyn Publisher>,
    publisher_id: String,
    /// How the id was found; `None` if it was given to [`new`](Self::new).
    identity: Option<Identity>,
    options: PublisherOptions,
    rows: Option<Arc<dyn RowSource>>,
    sealing: Option<SealingOptions>,
    core: OnceLock<Arc<Core>>,
    starting: tokio::sync::Mutex<()>,
    /// Hellos, marks, replies, and the return of the ring to its folder.
    tasks: Mutex<JoinSet<()>>,
}

impl StampedPublisher {
    /// Wraps the driver's publisher; nothing is opened or started before [`initialize`](Publisher::initialize).
    #[must_use]
    pub fn new(driver: Arc<dyn Publisher>, publisher_id: String, options: PublisherOptions) -> Self {
        Self {
            driver,
            publisher_id,
            identity: None,
            options,
            rows: None,
            sealing: None,
            core: OnceLock::new(),
            starting: tokio::sync::Mutex::default(),
            tasks: Mutex::new(JoinSet::new()),
        }
    }

    /// As [`new`](Self::new), with an identity that was found in the settings and in `state_dir`:
    /// [`initialize`](Publisher::initialize) keeps it there, and the status shows what was found.
    #[must_use]
    pub fn identified(driver: Arc<dyn Publisher>, identity: Identity, options: PublisherOptions) -> Self {
        Self { identity: Some(identity.clone()), ..Self::new(driver, identity.id().to_owned(), options) }
    }

    /// Serves full syncs from `rows`, where the driver carries requests; without it, full syncs are refused.
    #[must_use]
    pub fn with_rows(self, rows: Arc<dyn RowSource>) -> Self {
        Self { rows: Some(rows), ..self }
    }

    /// Seals each event when it gets its number. The ring, replays and snapshots have the sealed events; serving those needs no key.
    #[must_use]
    pub fn with_sealing(self, sealing: Option<SealingOptions>) -> Self {
        Self { sealing, ..self }
    }

    /// Publishes all events of a batch. Events that cannot be numbered are dropped, counted and logged. `Ok` leaves the batch
    /// empty.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after `close`, [`ErrorKind::Unavailable`] before `initialize`. Events that are still in the
    /// batch then were not published.
    ///
    /// # Cancel safety
    /// If the future is dropped, the events that left the batch are sent before the next ones, and before the publisher ends.
    pub async fn publish(&self, batch: &mut Batch) -> Result<()> {
        let core = self.core()?;
        let refused = core.publish(batch).await?;
        core.report_refused(&refused);
        Ok(())
    }

    /// The identity that hellos carry.
    #[must_use]
    pub fn publisher_id(&self) -> &str {
        &self.publisher_id
    }

    /// The publisher's key and epoch, once it is initialized.
    #[must_use]
    pub fn publisher_epoch(&self) -> Option<PublisherEpoch> {
        self.core.get().map(|core| core.publisher_epoch)
    }

    /// The number of events that the driver has accepted.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.core.get().map_or(0, |core| core.metrics.published.get())
    }

    /// The counters and queues of delivery, without the driver's.
    #[must_use]
    pub fn delivery_status(&self) -> Status {
        let mut status = self.core.get().map(|core| status::read(core)).unwrap_or_default();
        status.counters.extend(self.identity.iter().flat_map(Identity::metrics));
        status
    }

    /// The same without a lock that [`publish`](Self::publish) waits for, and without what needs one.
    #[must_use]
    pub fn delivery_metrics(&self) -> Status {
        self.core.get().map(|core| status::read_unlocked(core)).unwrap_or_default()
    }

    /// The agents that report how far they have applied this publisher's events, by name. Subscribers that do not report are not
    /// among them.
    #[must_use]
    pub fn agents(&self) -> Vec<AgentReading> {
        self.core.get().map(|core| applied::agents(core)).unwrap_or_default()
    }

    /// As [`agents`](Self::agents), without a lock that [`publish`](Self::publish) waits for: the lag is that behind the last event
    /// that any agent's report found, so one without any other agent on its topics is not seen to fall behind.
    #[must_use]
    pub fn agents_as_reported(&self) -> Vec<AgentReading> {
        self.core.get().map(|core| applied::agents_as_reported(core)).unwrap_or_default()
    }

    /// The latest event of a row on each topic, and which agents have applied it. Empty if the publisher keeps no event of the row: its
    /// topic has no snapshots, or the names of rows are sealed.
    #[must_use]
    pub fn row(&self, table: &str, key: &str) -> Vec<RowReading> {
        self.core.get().map(|core| applied::row(core, table, key)).unwrap_or_default()
    }

    fn parts(&self) -> Option<SealedParts> {
        self.sealing.as_ref().map(|sealing| sealing.parts)
    }

    fn core(&self) -> Result<&Arc<Core>> {
        let unbound =
            || Error::new(ErrorKind::Unavailable, "the publisher is not initialized: call initialize first");
        self.core.get().ok_or_else(unbound)
    }

    async fn open(&self) -> Result<Core> {
        let (driver, id) = (Arc::clone(&self.driver), self.publisher_id.clone());
        let (options, rows, sealing) = (self.options.clone(), self.rows.clone(), self.sealing.clone());
        let opening =
            tokio::task::spawn_blocking(move || Core::open(driver, &id, &options, rows, sealing.as_ref()));
        opening.await.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Internal, "opening the ring failed").with_source(error))
        })
    }

    fn start(&self, core: &Arc<Core>) -> Result<()> {
        let mut tasks = self.tasks();
        announcer::start(core, &self.publisher_id, &mut tasks)?;
        if core.keyring.is_some() {
            tasks.spawn(watch(core.keyring.clone()));
        }
        let of_answers = Arc::clone(core);
        tasks.spawn(supervise("answers", move || sync_server::serve(Arc::clone(&of_answers))));
        if let Some(state_dir) = self.options.state_dir.clone() {
            let (core, home) =
                (Arc::clone(core), RingHome { state_dir, publisher: core.publisher_epoch.publisher });
            tasks.spawn(supervise("ring", move || ring_keeper::keep(Arc::clone(&core), home.clone())));
        }
        if self.driver.requests().is_some() && self.options.snapshot_bytes > 0 {
            snapshot_reader::start(core)?;
        }
        Ok(())
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes the first `count` events, which passed the check.
    async fn publish_first(&self, batch: &mut Batch, count: usize) -> Result<()> {
        if count == batch.len() {
            return self.publish(batch).await;
        }
        let mut good = Batch::new();
        while good.len() < count && batch.move_first_to(&mut good) {}
        self.publish(&mut good).await
    }
}

#[async_trait]
impl Publisher for StampedPublisher {
    async fn initialize(&self) -> Result<()> {
        let _starting = self.starting.lock().await;
        self.driver.initialize().await?;
        if self.core.get().is_some() {
            return Ok(());
        }
        if let (Some(identity), Some(state_dir)) = (&self.identity, &self.options.state_dir) {
            identity.keep(state_dir);
        }
        let core = Arc::new(self.open().await?);
        self.start(&core)?;
        self.core.get_or_init(|| core);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.sealing.as_ref().map(SealingOptions::open).transpose()?;
        self.driver.check()
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        if topic.is_reserved() {
            return self.driver.send(topic, payload).await;
        }
        let mut batch = Batch::new();
        batch.push(Envelope { topic: topic.clone(), payload });
        match self.core()?.publish(&mut batch).await?.first() {
            Some(refused) => Err(invalid(refused)),
            None => Ok(()),
        }
    }

    async fn send_batch(&self, batch: &mut Batch) -> Result<()> {
        while !batch.is_empty() {
            let good = batch.iter().take_while(|event| check(event, self.parts()).is_ok()).count();
            self.publish_first(batch, good).await?;
            let Some(first) = batch.iter().next() else { break };
            if first.topic.first() != Some(&b'$') {
                return check(&first, self.parts());
            }
            if let Some(first) = batch.first_envelope() {
                let Envelope { topic, payload } = first?;
                self.driver.send(&topic, payload).await?;
                batch.advance(1);
            }
        }
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        if let Some(core) = self.core.get() {
            core.send_pending(&mut *core.outgoing.lock().await).await?;
        }
        self.driver.flush().await
    }

    async fn close(&self) -> Result<()> {
        let sent = match self.core.get() {
            Some(core) if core.close() => announcer::finish(core).await,
            _ => Ok(()),
        };
        self.tasks().abort_all();
        let closed = self.driver.close().await;
        if let Some(core) = self.core.get() {
            core.seal().await;
        }
        sent.and(closed)
    }

    fn endpoint(&self) -> Option<String> {
        self.driver.endpoint()
    }

    fn status(&self) -> Status {
        let mut status = self.driver.status();
        status.merge(self.delivery_status());
        status
    }
}

fn check(event: &EncodedEvent<'_>, parts: Option<SealedParts>) -> Result<()> {
    RecordBuilder::check(event, parts).map_err(|refused| invalid(&refused))
}

fn invalid(refused: &Refused) -> Error {
    Error::new(ErrorKind::Invalid, refused.reason.clone())
}
