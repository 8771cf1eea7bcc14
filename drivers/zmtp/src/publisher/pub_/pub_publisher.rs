use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use pubsub_api::wire::MAX_RECEIVED_BYTES;
use pubsub_api::{
    Batch, Counter, EncodedEvent, Error, ErrorKind, Framing, PeerId, Posture, Publisher, Requests, Result,
    Status, SubscribersSeen, SubscriptionSeen, Topic, Verdict, wire,
};

use crate::framing::ZmtpFraming;
use crate::keys::{AuthorizedFile, CurveSettings};
use crate::publisher::pub_::fanout::{Fanout, SubscriptionsSeen};
use crate::request::RequestQueue;
use crate::{Network, ZmtpSettings};

/// The network publisher: PUB, bound to `publisher_bind_address` and `publisher_port`.
///
/// `send` encodes the event and writes it to every subscriber whose socket takes it; it never waits for one that does not.
/// What those have still to get is kept, up to `fanout_log_bytes` for all together.
#[derive(Debug)]
pub struct PubPublisher {
    settings: ZmtpSettings,
    state: Mutex<State>,
    endpoint: OnceLock<String>,
    seen: Arc<SubscriptionsSeen>,
    pub(super) requests: Arc<RequestQueue>,
    sent: Counter,
}

#[derive(Debug)]
enum State {
    New,
    Open(Arc<Fanout>),
    Closed,
}

/// The line of the settings that authenticates subscribers.
const CURVE: &str = "mechanism = \"curve\"              # in [drivers.zmtp], with its keys: docs/security.md";

/// How often `flush` and `close` look whether the subscribers have all.
const LOOK: Duration = Duration::from_millis(2);

impl PubPublisher {
    pub(crate) fn new(settings: ZmtpSettings) -> Self {
        Self {
            settings,
            state: Mutex::new(State::New),
            endpoint: OnceLock::new(),
            seen: Arc::default(),
            requests: Arc::default(),
            sent: Counter::new("events_sent"),
        }
    }

    /// With CURVE: our keys, and the agents that may connect, from their files.
    fn agents(&self) -> Result<Option<AuthorizedFile>> {
        self.settings.curve.as_ref().map(CurveSettings::server).transpose()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn fanout(&self) -> Result<Arc<Fanout>> {
        match &*self.state() {
            State::Open(fanout) => Ok(Arc::clone(fanout)),
            State::Closed => Err(Error::closed("publisher")),
            State::New => {
                Err(Error::new(ErrorKind::Unavailable, "the publisher is not bound: initialize it first"))
            }
        }
    }

    /// Waits until every subscriber has all, as long as something moves within `patience`; whether they have.
    async fn drain(fanout: &Fanout, patience: Duration, limit: Option<Instant>) -> bool {
        let mut moved = (fanout.written(), Instant::now());
        loop {
            if fanout.is_idle() {
                return true;
            }
            let (written, now) = (fanout.written(), Instant::now());
            if written != moved.0 {
                moved = (written, now);
            }
            if now.saturating_duration_since(moved.1) >= patience || limit.is_some_and(|limit| now >= limit) {
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[async_trait]
impl Publisher for PubPublisher {
    async fn initialize(&self) -> Result<()> {
        let mut state = self.state();
        match &*state {
            State::Open(_) => return Ok(()),
            State::Closed => return Err(Error::closed("publisher")),
            State::New => {}
        }
        self.check_exposure()?;
        let agents = self.agents()?;
        let listener = listen::tcp(&self.settings.bind_address, self.settings.port)?;
        let failed = |error| {
            let text = format!("cannot publish on {}", self.settings.bind_address);
            Error::new(ErrorKind::Unavailable, text).with_source(error)
        };
        let address = listener.local_addr().map_err(failed)?;
        let (seen, requests) = (Arc::clone(&self.seen), Arc::clone(&self.requests));
        let fanout =
            Fanout::start(listener, self.settings.clone(), seen, requests, agents).map_err(failed)?;
        self.endpoint.get_or_init(|| format!("tcp://{address}"));
        *state = State::Open(Arc::new(fanout));
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.check_exposure()?;
        self.agents()?;
        listen::check_tcp(&self.settings.bind_address, self.settings.port)
    }

    fn check_exposure(&self) -> Result<()> {
        if self.settings.curve.is_some() {
            return Ok(());
        }
        self.settings.exposure.check(&self.settings.bind_address, CURVE)
    }

    fn posture(&self) -> Vec<Posture> {
        let settings = &self.settings;
        let subscribers = match self.agents() {
            Ok(Some(agents)) => agents.posture(),
            Ok(None) => settings.exposure.posture(&settings.bind_address),
            Err(error) => Posture::new("subscribers", Verdict::Weak, error.to_string()),
        };
        vec![subscribers, Network::posture(&settings.allow_from)]
    }

    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()> {
        wire::check_size(&payload)?;
        let event = EncodedEvent { topic: topic.as_bytes(), payload: &payload, origin: None, row: None };
        self.fanout()?.publish(std::iter::once(event));
        self.sent.add(1);
        Ok(())
    }

    async fn send_batch(&self, batch: &mut Batch) -> Result<()> {
        let fanout = self.fanout()?;
        while !batch.is_empty() {
            let published = batch.framed_run().map(|run| {
                fanout.publish_run(run);
                run.events().len()
            });
            if let Some(count) = published {
                self.sent.add(count as u64);
                batch.advance(count);
                continue;
            }
            // Events of one topic come together: it is checked once.
            let mut last: &[u8] = &[];
            let good = batch
                .iter()
                .take_while(|event| {
                    let known = event.topic == last || check_topic(event.topic).is_ok();
                    last = event.topic;
                    known && event.payload.len() <= MAX_RECEIVED_BYTES
                })
                .count();
            fanout.publish(batch.iter().take(good));
            self.sent.add(good as u64);
            batch.advance(good);
            if let Some(wrong) = batch.iter().next() {
                check_topic(wrong.topic)?;
                wire::check_size(wrong.payload)?;
            }
        }
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        let fanout = self.fanout()?;
        let patience = self.settings.send_timeout;
        if Self::drain(&fanout, patience, None).await {
            return Ok(());
        }
        let behind = fanout.behind();
        Err(Error::new(
            ErrorKind::Unavailable,
            format!(
                "{behind} subscribers have not received everything: nothing was written for {patience:?} (send_timeout)"
            ),
        ))
    }

    async fn close(&self) -> Result<()> {
        let state = std::mem::replace(&mut *self.state(), State::Closed);
        self.seen.end();
        self.requests.end();
        let State::Open(fanout) = state else { return Ok(()) };
        let linger = self.settings.linger;
        let limit = Instant::now() + linger;
        fanout.announce_stop();
        let drained = Self::drain(&fanout, linger, Some(limit)).await;
        let behind = fanout.behind();
        // The threads end within a turn of theirs.
        fanout.stop();
        while !fanout.has_ended() && Instant::now() < limit {
            tokio::time::sleep(LOOK).await;
        }
        if drained {
            return Ok(());
        }
        let text = format!("{behind} subscribers did not receive everything within linger ({linger:?})");
        Err(Error::new(ErrorKind::Unavailable, text))
    }

    fn endpoint(&self) -> Option<String> {
        self.endpoint.get().cloned()
    }

    fn status(&self) -> Status {
        let fanout = self.fanout().ok();
        let mut status = fanout.map(|fanout| fanout.status()).unwrap_or_default();
        status.counters.insert(0, self.sent.read());
        status
    }

    fn metrics(&self) -> Status {
        let fanout = self.fanout().ok();
        let mut metrics = fanout.map(|fanout| fanout.metrics()).unwrap_or_default();
        metrics.counters.insert(0, self.sent.read());
        metrics
    }

    fn framing(&self) -> Option<&'static dyn Framing> {
        Some(&ZmtpFraming)
    }

    fn subscribers_seen(&self) -> Option<&dyn SubscribersSeen> {
        Some(self)
    }

    fn requests(&self) -> Option<&dyn Requests> {
        Some(self)
    }
}

#[async_trait]
impl SubscribersSeen for PubPublisher {
    async fn next(&self) -> Result<SubscriptionSeen> {
        self.seen.next().await
    }

    fn send_to(&self, peer: PeerId, topic: &Topic, payload: &Bytes) -> bool {
        wire::check_size(payload).is_ok()
            && self.fanout().is_ok_and(|fanout| fanout.publish_to(peer, topic, payload))
    }
}

fn check_topic(topic: &[u8]) -> Result<()> {
    Topic::new(Bytes::copy_from_slice(topic)).map(drop)
}
