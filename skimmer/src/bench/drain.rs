use std::sync::Arc;

use futures_util::FutureExt;
use pubsub_api::settings::Settings;
use pubsub_api::wire::EventRef;
use pubsub_api::{
    Envelope, Error, ErrorKind, Incoming, Notice, Registry, Result, Role, SEND_ALL, Subscriber,
};
use tokio::task::JoinHandle;

use super::clock::Clock;
use super::ledger::Ledger;
use super::payload::{self, PROBE};
use super::progress::Progress;

/// A subscriber that reads, checks and counts all it gets. It is less than an agent: no table, no output, no handlers.
#[derive(Debug)]
pub(super) struct Drain {
    subscriber: Arc<dyn Subscriber>,
    task: JoinHandle<Ledger>,
}

/// How many events are taken before the others learn of it.
const TELL_EVERY: u64 = 64;

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

    /// Ends the link, and what the subscriber has got.
    pub(super) async fn end(self) -> Result<Ledger> {
        self.subscriber.close().await;
        self.task.await.map_err(|error| {
            Error::new(ErrorKind::Internal, "a subscriber of the bench failed").with_source(error)
        })
    }
}

/// What a drain does with the events.
#[derive(Debug)]
pub(super) struct DrainWork {
    pub(super) lane: usize,
    pub(super) progress: Arc<Progress>,
    pub(super) ledger: Ledger,
    pub(super) clock: Clock,
    pub(super) value_bytes: usize,
}

impl DrainWork {
    async fn run(mut self, subscriber: Arc<dyn Subscriber>) -> Ledger {
        let mut told = 0;
        loop {
            // What is at hand is taken without a pause; how far it got is told before waiting.
            let next = match subscriber.recv().now_or_never() {
                Some(next) => next,
                None => {
                    told = self.tell();
                    subscriber.recv().await
                }
            };
            match next {
                Ok(Incoming::Message(envelope)) => self.take(&envelope),
                Ok(Incoming::Notice(notice)) => self.note(&notice),
                Err(_) => return self.ledger,
            }
            if self.ledger.next() >= told + TELL_EVERY {
                told = self.tell();
            }
        }
    }

    fn tell(&self) -> u64 {
        self.progress.advance(self.lane, self.ledger.next());
        self.ledger.next()
    }

    fn take(&mut self, envelope: &Envelope) {
        let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload).ok();
        match event.and_then(|event| payload::read(&event, self.value_bytes)) {
            Some((PROBE, _)) => self.progress.connected(self.lane),
            Some((index, sent_ns)) => self.ledger.take(index, sent_ns, || self.clock.now_ns()),
            // What the subscriber passes on besides is not ours to judge.
            None if envelope.topic.is_reserved() => {}
            None => self.ledger.unreadable(),
        }
    }

    fn note(&self, notice: &Notice) {
        match notice {
            Notice::Subscribed { .. } => self.progress.connected(self.lane),
            Notice::AddressAdded { .. } | Notice::LinkUp { .. } | Notice::Live { .. } => {}
            other => tracing::warn!(lane = self.lane, notice = ?other, "during the bench"),
        }
    }
}
