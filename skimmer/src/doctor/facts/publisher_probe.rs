use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use delivery::{Control, Position, PublisherHello, SyncItem, SyncReply, SyncRequest};
use drivers_zmtp::protocol::Mechanism;
use northbound::PublisherRow;
use pubsub_api::settings::Settings;
use pubsub_api::{
    Envelope, HELLO, Incoming, MARK_PREFIX, Notice, Registry, Reply, Requester, Result, Role, SEND_ALL,
    Subscriber, Topic,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::network_probe::{greet_any, reach};
use super::{Greeted, HelloFact, PublisherFact, Requested, SettingsFact};

/// What every probe of a publisher needs.
#[derive(Debug)]
pub(super) struct PublisherProbe<'a> {
    pub(super) registry: &'a Registry,
    pub(super) settings: &'a Settings,
    pub(super) known: &'a SettingsFact,
    /// The deadline of each question.
    pub(super) within: Duration,
}

/// The number of publishers that are probed at the same time.
const AT_ONCE: usize = 32;

/// How long marks are waited for after the hello, which a publisher sends after them.
const AFTER_HELLO: Duration = Duration::from_millis(300);

impl PublisherProbe<'_> {
    /// Probes all publishers, some at the same time.
    pub(super) async fn all(&self, publishers: Vec<PublisherFact>) -> Vec<PublisherFact> {
        let (mut found, mut probes) = (Vec::new(), JoinSet::new());
        for publisher in publishers {
            if probes.len() >= AT_ONCE {
                found.extend(probes.join_next().await.and_then(std::result::Result::ok));
            }
            let subscriber = self.subscriber(&publisher.endpoint);
            let known = Probed { mechanism: self.known.mechanism.clone(), within: self.within };
            let topics: BTreeSet<String> = self.known.topics.iter().cloned().collect();
            probes.spawn(known.probe(publisher, subscriber, topics));
        }
        while let Some(probed) = probes.join_next().await {
            found.extend(probed.ok());
        }
        found.sort_by(|one, other| one.endpoint.cmp(&other.endpoint));
        found
    }

    /// A subscriber of the driver in the settings: it has the right keys.
    fn subscriber(&self, endpoint: &str) -> Result<Arc<dyn Subscriber>> {
        let subscriber = self.registry.open(self.settings, Role::Network)?.subscriber();
        subscriber.register_listen_address(endpoint)?;
        for topic in self.known.topics.iter().filter_map(|topic| Topic::new(topic.clone()).ok()) {
            subscriber.register_topic(topic.mark().into())?;
        }
        subscriber.register_topic(SEND_ALL.mark().into())?;
        subscriber.register_topic(HELLO.into())?;
        Ok(subscriber)
    }
}

/// One probe.
#[derive(Debug)]
struct Probed {
    mechanism: Option<String>,
    within: Duration,
}

impl Probed {
    async fn probe(
        self,
        mut publisher: PublisherFact,
        subscriber: Result<Arc<dyn Subscriber>>,
        topics: BTreeSet<String>,
    ) -> PublisherFact {
        let Some(address) = reach(&mut publisher, self.within).await else { return publisher };
        match subscriber {
            Err(error) => publisher.not_asked = Some(error.to_string()),
            Ok(subscriber) => {
                match subscriber.initialize().await {
                    Err(error) => publisher.not_asked = Some(error.to_string()),
                    Ok(()) => self.listen(&*subscriber, &mut publisher, &topics).await,
                }
                // It waits for nothing of the peer, but a driver may be stuck.
                let _ = timeout(self.within, subscriber.close()).await;
            }
        }
        if publisher.hello.is_some() {
            publisher.greeted = Greeted::AsWanted;
        } else if let Some(mechanism) = &self.mechanism {
            let mechanism = if mechanism == "CURVE" { Mechanism::Curve } else { Mechanism::Null };
            publisher.greeted = greet_any(address, mechanism, self.within).await;
        }
        publisher
    }

    /// Subscribes, and notes what the publisher sends of itself.
    async fn listen(
        &self,
        subscriber: &dyn Subscriber,
        publisher: &mut PublisherFact,
        topics: &BTreeSet<String>,
    ) {
        let mut deadline = Instant::now() + self.within;
        let mut last = Position::NONE;
        while let Ok(Ok(incoming)) = timeout_at(deadline, subscriber.recv()).await {
            match incoming {
                Incoming::Notice(Notice::SubscriptionRefused { subscription, reason, .. }) => {
                    let topic = subscription.trim_start_matches("$mark.").to_owned();
                    publisher.refused_topics.push(format!("{topic}: {reason}"));
                }
                Incoming::Notice(_) => {}
                Incoming::Event(Envelope { topic, payload }) if topic == HELLO => {
                    if publisher.hello.is_none() {
                        deadline = deadline.min(Instant::now() + AFTER_HELLO);
                        publisher.hello = PublisherHello::read(&payload).map(HelloFact::from);
                    }
                }
                Incoming::Event(envelope) => note_mark(publisher, &envelope, &mut last),
            }
            if publisher.hello.is_some() && topics.is_subset(&publisher.known_topics) {
                break;
            }
        }
        let status = subscriber.status();
        let refused = status.counters.iter().filter(|counter| counter.name == "peers_refused");
        publisher.refusals = refused.filter_map(|counter| counter.cause.clone()).collect();
        if let (Some(requester), Some(_)) = (subscriber.requester(), &publisher.hello) {
            self.request(requester, publisher, last).await;
        }
    }

    /// Sends two requests about a topic that misses nothing; the second one finds the connection open, and so tells the clock.
    async fn request(&self, requester: &dyn Requester, publisher: &mut PublisherFact, last: Position) {
        for id in [1, 2] {
            let request = SyncRequest { id, items: vec![SyncItem { topic: SEND_ALL, position: last }] };
            let before = PublisherRow::now();
            let sent = request.pack().is_ok_and(|request| requester.request(&publisher.endpoint, request));
            let reply = timeout(self.within, reply(requester)).await;
            let after = PublisherRow::now();
            publisher.requested = match (sent, reply) {
                (true, Ok(Some(time_us))) => {
                    publisher.clock_ahead_ms = clock_ahead(time_us, before, after);
                    Requested::Answered
                }
                (true, Ok(None)) => Requested::Unsupported,
                _ => Requested::Silent,
            };
            if publisher.requested != Requested::Answered {
                return;
            }
        }
    }
}

/// The publisher's clock in the head of the next reply; `None` if it carries no requests.
async fn reply(requester: &dyn Requester) -> Option<u64> {
    loop {
        match requester.next().await {
            Ok(Reply::Part { envelope, .. }) => {
                if let Ok(Some(head)) = SyncReply::read(&envelope) {
                    return Some(head.stamp.time_us);
                }
            }
            // The driver connects again; the deadline ends the wait.
            Ok(Reply::Lost { .. }) => {}
            Ok(Reply::Refused { .. }) | Err(_) => return None,
        }
    }
}

fn note_mark(publisher: &mut PublisherFact, envelope: &Envelope, last: &mut Position) {
    if !envelope.topic.as_bytes().starts_with(MARK_PREFIX) {
        return;
    }
    if let Ok(Some(Control::Mark(mark))) = Control::read(&envelope.topic, &envelope.payload) {
        if mark.topic == SEND_ALL {
            *last = Position { epoch: mark.stamp.epoch, sequence: mark.stamp.sequence };
        }
        publisher.known_topics.insert(mark.topic.to_string());
    }
}

/// By how many milliseconds a clock is ahead that showed `time_us` between two times of ours, and how far that may be off.
fn clock_ahead(time_us: u64, before: Duration, after: Duration) -> Option<(i64, i64)> {
    let millis = |time: Duration| i64::try_from(time.as_millis()).ok();
    let (before, after) = (millis(before)?, millis(after)?);
    let theirs = i64::try_from(time_us / 1000).ok()?;
    let off = (after - before).max(0) / 2;
    Some((theirs - (before + off), off + 1))
}

impl From<PublisherHello> for HelloFact {
    fn from(hello: PublisherHello) -> Self {
        let PublisherHello { publisher_id, stamp, takes_reports, release, event_bytes } = hello;
        Self { id: publisher_id, epoch: stamp.map(|stamp| stamp.epoch), takes_reports, release, event_bytes }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::clock_ahead;

    #[test]
    fn a_clock_is_compared_with_the_middle_of_the_wait_for_it() {
        let at = Duration::from_millis;
        assert_eq!(clock_ahead(1_500_000, at(1000), at(1010)), Some((495, 6)));
        assert_eq!(clock_ahead(900_000, at(1000), at(1000)), Some((-100, 1)));
    }
}
