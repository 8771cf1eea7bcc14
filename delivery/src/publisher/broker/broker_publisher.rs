use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::{
    Batch, EncodedEvent, Envelope, Error, ErrorKind, Publisher, PublisherEpoch, Result, Status, Topic,
};
use sealing::{SealedParts, SealingOptions};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::admission::{check, invalid};
use super::options::BrokerOptions;
use super::outbox::closed;
use super::pump::Pump;
use super::session::Session;
use super::status;
use crate::publisher::supervise::supervise;

/// A broker driver's publisher whose events are not lost unnoticed (docs/decisions/0010-redis-as-broker.md): each process is a
/// publisher of its own, and there is no service between it and the broker.
///
/// - Its id is random, and its epoch is the time of its first send. It may be made, initialized and used before `fork`: a
///   forked process starts over and does not touch the parent's state.
/// - Events get the sequences 1, 2, 3 … per topic. `Ok` means that the driver confirmed it: a node has the event.
/// - While one batch is on its way to the broker, the events of other callers gather into the next one: many callers share one
///   round trip. At most 10,000 events and 16 MiB wait; then `send` waits for `send_timeout`.
/// - A refused event returns its sequence, and no other event fails with it. Only a driver that accepts nothing at all
///   (unavailable, overloaded, closed) fails all events of the batch.
/// - An event in doubt keeps its sequence, and a loss record with that sequence is sent before anything else on its topic: a
///   subscriber that received the event drops the record as a duplicate; others learn of the loss.
/// - Marks follow a topic's last event after 0.25, 1, 2 and 4 s, and then every 60 s ± 20 %; a `bye` on each topic at the end.
///   Events cannot be requested again, so marks have `oldest` above the last sequence.
/// - Invalid events, and events that carry a stamp, are refused. Reserved topics are passed to the driver unchanged.
///
/// A task of the runtime of the first send sends events and marks; that runtime must keep running.
#[derive(Debug)]
pub struct BrokerPublisher {
    driver: Arc<dyn Publisher>,
    options: BrokerOptions,
    sealing: Option<SealingOptions>,
    /// Locked by callers only, never by the task, and briefly: a forked process does not find it locked.
    process: Mutex<Process>,
}

#[derive(Debug)]
enum Process {
    /// Neither this process nor its ancestors have sent anything.
    Idle,
    Running(Running),
    /// Closed by the process of this id; its children may continue. The counters can still be read.
    Closed(u32, Option<Arc<Pump>>),
}

/// The state of one process.
#[derive(Debug)]
struct Running {
    pid: u32,
    pump: Arc<Pump>,
    task: JoinHandle<()>,
}

impl Drop for BrokerPublisher {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(process, Process::Idle) {
            Process::Running(running) if running.pid == std::process::id() => running.task.abort(),
            Process::Closed(pid, _) if pid == std::process::id() => {}
            // It may be inherited: see `pump`.
            other => std::mem::forget(other),
        }
    }
}

impl BrokerPublisher {
    /// Wraps the publisher of a driver with the capability `broker`. Before the first send nothing is started, and no runtime
    /// is needed.
    #[must_use]
    pub fn new(driver: Arc<dyn Publisher>, options: BrokerOptions) -> Self {
        Self { driver, options, sealing: None, process: Mutex::new(Process::Idle) }
    }

    /// Seals each event when it gets its number: the broker sees sealed events only.
    #[must_use]
    pub fn with_sealing(mut self, sealing: Option<SealingOptions>) -> Self {
        self.sealing = sealing;
        self
    }

    fn parts(&self) -> Option<SealedParts> {
        self.sealing.as_ref().map(|sealing| sealing.parts)
    }

    /// The publisher's key and epoch, once this process has sent something.
    #[must_use]
    pub fn publisher_epoch(&self) -> Option<PublisherEpoch> {
        self.begun().map(|pump| pump.session.publisher_epoch)
    }

    /// The number of events of this process that the broker has accepted.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.begun().map_or(0, |pump| pump.session.metrics.published.get())
    }

    /// The counters and queues of delivery, without the driver's.
    #[must_use]
    pub fn delivery_status(&self) -> Status {
        self.begun().map(|pump| status::read(&pump.session)).unwrap_or_default()
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of this process, if it has begun.
    fn begun(&self) -> Option<Arc<Pump>> {
        match &*self.process() {
            Process::Running(running) if running.pid == std::process::id() => Some(Arc::clone(&running.pump)),
            Process::Closed(pid, pump) if *pid == std::process::id() => pump.clone(),
            _ => None,
        }
    }

    /// The session of this process, which is begun if there is none, and its task, which is restarted if its runtime has ended.
    fn pump(&self) -> Result<Arc<Pump>> {
        let pid = std::process::id();
        let mut process = self.process();
        match &mut *process {
            Process::Running(running) if running.pid == pid => {
                if running.task.is_finished() {
                    running.task = start(&running.pump)?;
                }
                return Ok(Arc::clone(&running.pump));
            }
            Process::Closed(closed_by, _) if *closed_by == pid => return Err(closed()),
            _ => {}
        }
        let sealer = self.sealing.as_ref().map(SealingOptions::open).transpose()?;
        let pump = Arc::new(Pump::begin(Arc::clone(&self.driver), self.options, sealer));
        let running = Running { pid, pump: Arc::clone(&pump), task: start(&pump)? };
        // A forked process has its parent's tasks without the threads that run them, and perhaps locks that are never released.
        std::mem::forget(std::mem::replace(&mut *process, Process::Running(running)));
        Ok(pump)
    }
}

fn start(pump: &Arc<Pump>) -> Result<JoinHandle<()>> {
    let runtime = Handle::try_current().map_err(|error| {
        Error::new(ErrorKind::Internal, "publishing on a broker needs a Tokio runtime").with_source(error)
    })?;
    let pump = Arc::clone(pump);
    Ok(runtime.spawn(supervise("sending", move || Arc::clone(&pump).run())))
}

#[async_trait]
impl Publisher for BrokerPublisher {
    async fn initialize(&self) -> Result<()> {
        // Opened again at the first send of each process.
        self.sealing.as_ref().map(SealingOptions::open).transpose()?;
        self.driver.initialize().await
    }

    fn check(&self) -> Result<()> {
        self.sealing.as_ref().map(SealingOptions::open).transpose()?;
        self.driver.check()
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        if topic.is_reserved() {
            return self.driver.send(topic, payload).await;
        }
        let pump = self.pump()?;
        if let Err(refused) = check(topic.as_bytes(), &payload, self.parts()) {
            return Err(invalid(&pump.session, topic.as_bytes(), refused));
        }
        let put = pump.session.outbox.put(Envelope { topic: topic.clone(), payload }).await;
        let refuse =
            |error: &Error| pump.session.metrics.refuse(topic.as_bytes(), error.kind().as_str(), error);
        put.inspect_err(refuse)?.wait().await
    }

    async fn send_batch(&self, batch: &mut Batch) -> Result<()> {
        let pump = self.pump()?;
        while !batch.is_empty() {
            let parts = self.parts();
            let is_good = |event: &EncodedEvent<'_>| check(event.topic, event.payload, parts).is_ok();
            let good = batch.iter().take_while(is_good).count();
            if good > 0 {
                let _wakes = Wakes(&pump.session);
                let outgoing = &mut *pump.outgoing.lock().await;
                if pump.session.outbox.is_closed() {
                    return Err(closed());
                }
                outgoing.send_first(batch, good, &pump.session).await?;
            }
            let Some(first) = batch.iter().next() else { break };
            if first.topic.first() != Some(&b'$') {
                check(first.topic, first.payload, parts)
                    .map_err(|refused| invalid(&pump.session, first.topic, refused))?;
            } else if let Some(first) = batch.first_envelope() {
                let Envelope { topic, payload } = first?;
                self.driver.send(&topic, payload).await?;
                batch.advance(1);
            }
        }
        Ok(())
    }

    /// Returns at once: a node has every accepted event. Events of other callers that are still on their way are not accepted
    /// yet.
    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        let left = match self.become_closed() {
            Some(running) => self.end(running).await,
            None => 0,
        };
        let closed = self.driver.close().await;
        if left > 0 {
            let text = format!("{left} events could not be sent within {:?} (linger)", self.options.linger);
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        closed
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

impl BrokerPublisher {
    /// The session that was running in this process until now.
    fn become_closed(&self) -> Option<Running> {
        let pid = std::process::id();
        let mut process = self.process();
        if matches!(&*process, Process::Closed(closed_by, _) if *closed_by == pid) {
            return None;
        }
        match std::mem::replace(&mut *process, Process::Closed(pid, None)) {
            Process::Running(running) if running.pid == pid => {
                *process = Process::Closed(pid, Some(Arc::clone(&running.pump)));
                Some(running)
            }
            inherited => {
                std::mem::forget(inherited);
                None
            }
        }
    }

    /// Accepts nothing more, sends the waiting events and the final `bye`s. Returns the number of events left after `linger`.
    async fn end(&self, running: Running) -> usize {
        let Running { pump, task, .. } = running;
        pump.session.outbox.close();
        if timeout(self.options.linger, pump.finish()).await.is_err() {
            tracing::warn!(
                id = "SK0901",
                "the broker did not accept the final events within {:?} (linger)",
                self.options.linger
            );
        }
        task.abort();
        pump.session.outbox.end()
    }
}

/// Notifies the task, however sending ends, that marks may be due earlier than before.
struct Wakes<'a>(&'a Session);

impl Drop for Wakes<'_> {
    fn drop(&mut self) {
        self.0.outbox.filled.notify_one();
    }
}
