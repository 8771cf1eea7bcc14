use std::sync::Arc;
use std::time::Duration;

use drivers_redis::SETTINGS;
use pubsub_api::settings::PubSub;
use pubsub_api::wire::EventRef;
use pubsub_api::{
    Action, Envelope, Error, ErrorKind, Event, Incoming, Notice, Pattern, PubSubApi, Publisher, Registry,
    Role, Subscriber, Topic,
};
use redis_servers::PATIENCE;
use settings::Sources;
use tokio::time::{Instant, timeout};

/// For tests in which only the test itself may query the servers.
pub(crate) const NO_CHECKS: &str = "drivers.redis.topology_check_interval=600s";

/// The driver with these settings.
pub(crate) fn driver(hosts: &[String], more: &[&str]) -> Arc<dyn PubSubApi> {
    let mut sets = vec![
        "pub_sub_driver=redis_db_pubsub_driver".to_owned(),
        format!("drivers.redis.hosts={}", hosts.join(",")),
    ];
    // Longer than a busy machine needs; and short intervals for the checks that a test waits for.
    sets.push("send_timeout=20s".to_owned());
    sets.push("drivers.redis.topology_check_interval=500ms".to_owned());
    sets.extend(more.iter().map(|set| (*set).to_owned()));
    let (settings, _) =
        settings::load(&Sources { sets, ..Sources::default() }, &[PubSub::TABLE], &[SETTINGS]).unwrap();
    let registry = Registry::collect().unwrap();
    let found = registry.find("redis_db_pubsub_driver", Role::Network).unwrap();
    (found.open)(&settings, Role::Network).unwrap()
}

pub(crate) async fn publisher(hosts: &[String], more: &[&str]) -> Arc<dyn Publisher> {
    let publisher = driver(hosts, more).publisher();
    publisher.initialize().await.unwrap();
    publisher
}

/// A subscriber and its notices.
pub(crate) struct Reader {
    pub(crate) subscriber: Arc<dyn Subscriber>,
    pub(crate) notices: Vec<Notice>,
}

impl Reader {
    /// A subscriber that is initialized; words with a wildcard are patterns.
    pub(crate) async fn begin(hosts: &[String], wanted: &[&str], more: &[&str]) -> Self {
        let subscriber = driver(hosts, more).subscriber();
        for name in wanted {
            match name.parse::<Pattern>().unwrap() {
                pattern if name.contains(['*', '#']) => subscriber.register_topic(pattern.into()).unwrap(),
                _ => subscriber.register_topic(topic(name).into()).unwrap(),
            };
        }
        subscriber.initialize().await.unwrap();
        Self { subscriber, notices: Vec::new() }
    }

    /// The same, after its first `Subscribed`.
    pub(crate) async fn subscribed(hosts: &[String], wanted: &[&str], more: &[&str]) -> Self {
        let mut reader = Self::begin(hosts, wanted, more).await;
        reader.until_notice("Subscribed", |notice| matches!(notice, Notice::Subscribed { .. })).await;
        reader
    }

    pub(crate) async fn next(&mut self, what: &str) -> Incoming {
        let Ok(next) = timeout(PATIENCE, self.subscriber.recv()).await else {
            panic!(
                "timed out waiting for {what}; notices: {:?}; {:?}",
                self.notices,
                self.subscriber.status()
            )
        };
        let next = next.unwrap();
        if let Incoming::Notice(notice) = &next {
            self.notices.push(notice.clone());
        }
        next
    }

    pub(crate) async fn until_notice(&mut self, what: &str, is_it: impl Fn(&Notice) -> bool) -> Notice {
        loop {
            if let Incoming::Notice(notice) = self.next(what).await
                && is_it(&notice)
            {
                return notice;
            }
        }
    }

    /// Expects the loss of a link and its return, in the order of the contract, and nothing else: `LinkDown`, `LinkUp`,
    /// `Subscribed` and right after it one `Resync` of everything. Returns the reason of the loss, and the new node.
    pub(crate) async fn loss_and_return(&mut self) -> (String, String) {
        let mut notices = Vec::new();
        while notices.len() < 4 {
            match self.next(&format!("the loss and the return of the link, so far {notices:?}")).await {
                Incoming::Notice(notice) => notices.push(notice),
                Incoming::Event(event) => {
                    assert!(notices.len() != 3, "expected Resync, got {event:?}")
                }
            }
        }
        match notices.as_slice() {
            [
                Notice::LinkDown { reason, .. },
                Notice::LinkUp { publisher },
                Notice::Subscribed { publisher: same, publisher_epoch: None },
                Notice::Resync { publisher: None, topic: None, .. },
            ] if publisher == same => (reason.clone(), publisher.clone()),
            other => panic!("{other:?}"),
        }
    }

    /// Asserts that no notice arrives for a while.
    pub(crate) async fn expect_silence(&mut self) {
        let next = timeout(Duration::from_secs(1), self.subscriber.recv()).await;
        assert!(next.is_err(), "unexpected: {next:?}");
    }

    /// The topic and key of the next event.
    pub(crate) async fn event(&mut self) -> (String, String) {
        loop {
            if let Incoming::Event(envelope) = self.next("an event").await {
                let event = EventRef::read(envelope.topic.as_bytes(), &envelope.payload).unwrap();
                return (envelope.topic.to_string(), event.key.unwrap_or_default().to_owned());
            }
        }
    }

    pub(crate) async fn expect(&mut self, topic: &str, key: &str) {
        assert_eq!(self.event().await, (topic.to_owned(), key.to_owned()));
    }

    /// The node of the link, from the status.
    pub(crate) fn node(&self) -> String {
        self.subscriber.status().peers.first().unwrap().endpoint.clone()
    }
}

pub(crate) fn topic(name: &str) -> Topic {
    Topic::new(name.to_owned()).unwrap()
}

pub(crate) fn event(topic_name: &str, key: &str) -> Event {
    Event::new("lport", key, Action::Set, "{}", topic(topic_name))
}

pub(crate) fn packed(topic_name: &str, key: &str) -> Envelope {
    Envelope::pack(&event(topic_name, key)).unwrap()
}

/// Waits until a condition holds.
pub(crate) async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let holding = async {
        while !holds() {
            // The wait helper itself.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, holding).await.unwrap_or_else(|_| panic!("timed out: {what}"));
}

/// Sends until the event is accepted: there may be no node for a moment.
pub(crate) async fn send_until_accepted(publisher: &dyn Publisher, topic: &str, key: &str) {
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = publisher.send_event(&event(topic, key)).await {
        assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::InDoubt), "{error}");
        assert!(Instant::now() < deadline, "{error}");
        // A poll with a deadline.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Sends numbered keys until one arrives: then publisher and subscriber are connected.
pub(crate) async fn until_they_meet(publisher: &dyn Publisher, reader: &mut Reader, topic: &str) {
    let deadline = Instant::now() + PATIENCE;
    for number in 0_u32.. {
        assert!(Instant::now() < deadline, "none of {number} events arrived: {:?}", reader.notices);
        send_until_accepted(publisher, topic, &number.to_string()).await;
        while let Ok(Ok(next)) = timeout(Duration::from_millis(50), reader.subscriber.recv()).await {
            match next {
                Incoming::Event(_) => return,
                Incoming::Notice(notice) => reader.notices.push(notice),
            }
        }
    }
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) -> String {
    let error = result.expect_err("an error");
    assert_eq!(error.kind(), kind, "{error}");
    error.to_string()
}
