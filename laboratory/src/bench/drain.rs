use std::sync::Arc;

use bench_kit::Clock;
use futures_util::FutureExt;
use pubsub_api::settings::Settings;
use pubsub_api::wire::EventRef;
use pubsub_api::{
    Envelope, Error, ErrorKind, Incoming, Notice, Registry, Result, Role, SEND_ALL, Subscriber,
};
use tokio::task::JoinHandle;

use super::ledger::Ledger;
use super::payload::{self, PROBE};
use super::progress::Progress;

/// A subscriber that reads, checks and counts events. Unlike an agent it has no table, no output and no handlers.
#[derive(Debug)]
pub(super) struct Drain {
    subscriber: Arc<dyn Subscriber>,
    task: JoinHandle<Ledger>,
}

/// The number of events after which the progress is reported.
const REPORT_EVERY: u64 = 64;

impl Drain {
    /// Connects a subscriber of the network driver to `endpoint`.
    pub(super) async fn start(
        registry: &Registry,
        settings: &Settings,
        endpoint: &str,
        work: DrainWork,
    ) -> Result<Self> {
        let subscriber = registry.open(settings, Role::Network)?.subscriber();
        subscriber.register_listen_address(endpoint)?;
        subscriber.register_topic(SEND_ALL.into())?;
        subscriber.initialize().await?;
        let task = tokio::spawn(work.run(Arc::clone(&subscriber)));
        Ok(Self { subscriber, task })
    }

    /// Closes the subscriber and returns the events that it has received.
    pub(super) async fn end(self) -> Result<Ledger> {
        self.subscriber.close().await;
        self.task.await.map_err(|error| {
            Error::new(ErrorKind::Internal, "the task of a subscriber panicked").with_source(error)
        })
    }
}

/// The task of a drain.
#[derive(Debug)]
pub(super) struct DrainWork {
    pub(super) number: usize,
    pub(super) progress: Arc<Progress>,
    pub(super) ledger: Ledger,
    pub(super) clock: Clock,
    pub(super) value_bytes: usize,
}

impl DrainWork {
    async fn run(mut self, subscriber: Arc<dyn Subscriber>) -> Ledger {
        let mut reported = 0;
        loop {
            // Events that are ready are processed without a pause; the progress is reported before a wait.
            let next = match subscriber.recv().now_or_never() {
                Some(next) => next,
                None => {
                    reported = self.report();
                    subscriber.recv().await
                }
            };
            match next {
                Ok(Incoming::Event(envelope)) => self.take(&envelope),
                Ok(Incoming::Notice(notice)) => self.note(&notice),
                Err(_) => return self.ledger,
            }
            if self.ledger.next() >= reported + REPORT_EVERY {
                reported = self.report();
            }
        }
    }

    fn report(&self) -> u64 {
        self.progress.advance(self.number, self.ledger.next());
        self.ledger.next()
    }

    fn take(&mut self, envelope: &Envelope) {
        let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload).ok();
        match event.and_then(|event| payload::read(&event, self.value_bytes)) {
            Some((PROBE, _)) => self.progress.connected(self.number),
            Some((index, sent_ns)) => self.ledger.take(index, sent_ns, || self.clock.now_ns()),
            // Other items do not count.
            None if envelope.topic.is_reserved() => {}
            None => self.ledger.unreadable(),
        }
    }

    fn note(&self, notice: &Notice) {
        match notice {
            Notice::Subscribed { .. } => self.progress.connected(self.number),
            Notice::AddressAdded { .. } | Notice::LinkUp { .. } | Notice::Live { .. } => {}
            other => tracing::warn!(number = self.number, notice = ?other, "notice during the bench"),
        }
    }
}
