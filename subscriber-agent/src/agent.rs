use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use pubsub_api::settings::Settings;
use pubsub_api::wire::EventRef;
use pubsub_api::{
    Counter, Envelope, Error, ErrorKind, Incoming, Result, Status, Subscriber, Subscription, Tally,
};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout_at;

use crate::asked::Asked;
use crate::{AgentNotice, Dispatcher, HandlerFailure, Output, Table};

/// A subscriber agent within this process: made by [`AgentBuilder`](crate::AgentBuilder), at work in [`run`](Agent::run).
///
/// It is shared by `Arc`: one task runs it, others stop it, change its topics or read its table.
#[derive(Debug)]
pub struct Agent {
    pub(crate) subscriber: Arc<dyn Subscriber>,
    pub(crate) asked: Mutex<Asked>,
    /// Asked for besides what the settings say.
    pub(crate) extra: Vec<Subscription>,
    pub(crate) table: Mutex<Table>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) io: tokio::sync::Mutex<Io>,
    /// Lines of others for the output.
    pub(crate) lines: mpsc::Sender<String>,
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) applied: Counter,
    pub(crate) dropped: Tally,
}

/// What only the running task touches.
#[derive(Debug)]
pub(crate) struct Io {
    pub(crate) output: Output,
    pub(crate) failures: mpsc::Receiver<HandlerFailure>,
    pub(crate) lines: mpsc::Receiver<String>,
}

impl Io {
    /// Writes the failures and lines that wait.
    fn write_waiting(&mut self) -> Result<()> {
        while let Ok(failure) = self.failures.try_recv() {
            self.output.agent_notice(&AgentNotice::HandlerFailed(failure))?;
        }
        while let Ok(line) = self.lines.try_recv() {
            self.output.line(line.as_bytes())?;
        }
        Ok(())
    }
}

impl Agent {
    /// Registers addresses and topics, begins to connect, and announces `{"notice":"ready"}`. Call it once, before
    /// [`run`](Self::run).
    ///
    /// # Errors
    /// Whatever the driver refuses. Absent publishers are no error.
    pub async fn start(&self) -> Result<()> {
        self.asked().apply(&Asked::default(), self.subscriber.as_ref())?;
        self.subscriber.initialize().await?;
        let mut io = self.io.lock().await;
        io.output.agent_notice(&AgentNotice::Ready)?;
        io.output.flush()
    }

    /// Receives until [`stop`](Self::stop) or until nobody reads the output any more.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the output cannot be written.
    pub async fn run(&self) -> Result<()> {
        let mut io = self.io.lock().await;
        let mut stopping = self.stopping.subscribe();
        let mut stopped = pin!(async move { stopping.wait_for(|stop| *stop).await.is_ok() });
        loop {
            io.write_waiting()?;
            // What is at hand is taken without a pause; the output is flushed before waiting.
            let next = match self.subscriber.recv().now_or_never() {
                Some(next) => next,
                None => {
                    io.output.flush()?;
                    let Io { output, failures, lines } = &mut *io;
                    tokio::select! {
                        _ = &mut stopped => return Ok(()),
                        next = self.subscriber.recv() => next,
                        Some(failure) = failures.recv() => {
                            output.agent_notice(&AgentNotice::HandlerFailed(failure))?;
                            continue;
                        }
                        Some(line) = lines.recv() => {
                            output.line(line.as_bytes())?;
                            continue;
                        }
                    }
                }
            };
            match next {
                Ok(incoming) => self.take(&mut io.output, incoming).await?,
                Err(error) if error.kind() == ErrorKind::Closed => return io.output.flush(),
                Err(error) => return Err(error),
            }
            if *self.stopping.borrow() {
                return Ok(());
            }
        }
    }

    /// Lets [`run`](Self::run) end after the event in hand.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Ends the links, takes what had arrived, and lets the handlers finish within `grace`. Call it when
    /// [`run`](Self::run) has ended.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the grace was too short for the handlers, or the output cannot be written.
    pub async fn drain(&self, grace: Duration) -> Result<()> {
        let deadline = Instant::now() + grace;
        self.subscriber.close().await;
        let taken = timeout_at(deadline.into(), self.take_rest()).await;
        let finished = self.dispatcher.finish(deadline.saturating_duration_since(Instant::now())).await;
        let Ok(taken) = taken else {
            let text = format!("what had arrived was not handed on within {grace:?} (agent.drain_timeout)");
            return Err(Error::new(ErrorKind::Unavailable, text));
        };
        taken.and(finished)
    }

    /// Takes what the driver still has, now that it is closed.
    async fn take_rest(&self) -> Result<()> {
        let mut io = self.io.lock().await;
        while let Ok(incoming) = self.subscriber.recv().await {
            self.take(&mut io.output, incoming).await?;
        }
        Ok(())
    }

    /// Asks for what the settings now say, and gives up what they no longer say.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for a topic or pattern that is none or for too many, and whatever the driver refuses:
    /// then all is as it was.
    pub fn apply(&self, settings: &Settings) -> Result<()> {
        let new = Asked::of(settings, &self.extra)?;
        let mut asked = self.asked();
        new.apply(&asked, self.subscriber.as_ref())?;
        *asked = new;
        Ok(())
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The table as it is now. The agent does not receive while the guard lives: copy what is needed.
    pub fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes one line to the output, between events; if nobody has taken the last few, it is left out.
    pub fn write_line(&self, line: String) {
        if self.lines.try_send(line).is_err() {
            tracing::warn!("a line was left out: nobody reads the output");
        }
    }

    /// Writes what waits for the output. Call it when [`run`](Self::run) has ended.
    ///
    /// # Errors
    /// As [`Output::flush`].
    pub async fn flush(&self) -> Result<()> {
        let mut io = self.io.lock().await;
        io.write_waiting()?;
        io.output.flush()
    }

    /// Counters, queues and peers by part.
    #[must_use]
    pub fn status(&self) -> BTreeMap<String, Status> {
        let mut counters = vec![self.applied.read()];
        counters.extend(self.dropped.read());
        BTreeMap::from([
            ("agent".to_owned(), Status { counters, ..Status::default() }),
            ("handlers".to_owned(), self.dispatcher.status()),
            ("network".to_owned(), self.subscriber.status()),
        ])
    }

    async fn take(&self, output: &mut Output, incoming: Incoming) -> Result<()> {
        match incoming {
            Incoming::Notice(notice) => output.notice(&notice),
            Incoming::Message(envelope) => self.take_event(output, &envelope).await,
        }
    }

    async fn take_event(&self, output: &mut Output, envelope: &Envelope) -> Result<()> {
        let event = match EventRef::read(envelope.topic.as_bytes(), &envelope.payload) {
            Ok(event) => Arc::new(event.to_event()),
            Err(refused) => {
                if let Some(times) = self.dropped.count(refused.cause(), Instant::now()) {
                    tracing::warn!(cause = refused.cause(), times, "dropped an event: {refused}");
                }
                return Ok(());
            }
        };
        self.table().apply(&event);
        self.applied.add(1);
        output.event(&event)?;
        if self.dispatcher.would_wait(&event) {
            output.flush()?;
        }
        self.dispatcher.dispatch(&event).await;
        Ok(())
    }
}
