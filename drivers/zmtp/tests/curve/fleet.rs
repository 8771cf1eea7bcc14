//! A publisher and agents with keys in files.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use drivers_zmtp::protocol::curve::PublicKey;
use drivers_zmtp::write_key_file;
use pubsub_api::settings::PubSub;
use pubsub_api::{
    Envelope, Incoming, Notice, Pattern, PubSubApi, Publisher, Registry, Result, Role, Subscriber,
    SubscriptionSeen, Topic, hello,
};
use settings::Sources;
use tempfile::TempDir;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A publisher with CURVE, and the folder with the keys of all.
pub(crate) struct Fleet {
    folder: TempDir,
    pub(crate) publisher: Arc<dyn Publisher>,
    pub(crate) key: PublicKey,
}

impl Fleet {
    /// With these agents authorized.
    pub(crate) async fn new(agents: &[&str], sets: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = write_key_file(&folder.path().join("publisher.key")).unwrap();
        for agent in agents {
            let name = agent.split(' ').next().unwrap();
            write_key_file(&folder.path().join(format!("{name}.key"))).unwrap();
        }
        let file = |name: &str| folder.path().join(name).display().to_string();
        authorize(&folder, agents);
        let mut all = vec![
            "publisher_port=0".to_owned(),
            format!("drivers.zmtp.publisher_key_file={}", file("publisher.key")),
            format!("drivers.zmtp.authorized_agents_file={}", file("agents")),
        ];
        all.extend(sets.iter().map(|set| (*set).to_owned()));
        let publisher = open(all).publisher();
        publisher.initialize().await.unwrap();
        Self { folder, publisher, key }
    }

    /// From now on these may connect, each a name and any words after its key. The file is replaced, as an operator's tool does.
    pub(crate) fn authorize(&self, agents: &[&str]) {
        authorize(&self.folder, agents);
    }

    pub(crate) fn key_file(&self, agent: &str) -> PathBuf {
        self.folder.path().join(format!("{agent}.key"))
    }

    pub(crate) fn endpoint(&self) -> String {
        self.publisher.endpoint().unwrap()
    }

    /// An agent that subscribes to `D` and expects the publisher to have this key.
    pub(crate) async fn agent(&self, agent: &str, expects: PublicKey) -> Arc<dyn Subscriber> {
        let subscriber = self.agent_with(agent, expects).unwrap();
        subscriber.initialize().await.unwrap();
        subscriber
    }

    /// An agent that subscribes to these: topics, and patterns if they have a wildcard.
    pub(crate) async fn agent_of(&self, agent: &str, subscriptions: &[&str]) -> Arc<dyn Subscriber> {
        let subscriber = self.agent_with(agent, self.key).unwrap();
        subscriber.unregister_topic(&topic("D").into());
        for text in subscriptions {
            let is_pattern = text.contains(['*', '#']);
            let subscription =
                if is_pattern { text.parse::<Pattern>().unwrap().into() } else { topic(text).into() };
            subscriber.register_topic(subscription).unwrap();
        }
        subscriber.initialize().await.unwrap();
        subscriber
    }

    /// Publishes an event on a topic, whose payload is its name.
    pub(crate) async fn publish(&self, name: &str) {
        self.publisher.send(&topic(name), Bytes::from(name.to_owned())).await.unwrap();
    }

    pub(crate) async fn publish_all(&self, names: &[&str]) {
        for name in names {
            self.publish(name).await;
        }
    }

    /// Publishes a hello, which confirms the subscriptions of all.
    pub(crate) async fn hello(&self) {
        let hello = Envelope::pack(&hello::event("publisher", None)).unwrap();
        self.publisher.send(&hello.topic, hello.payload).await.unwrap();
    }

    /// Waits until an agent is subscribed: hellos are sent until one arrives. Returns what came before that.
    pub(crate) async fn subscribed(&self, agent: &Arc<dyn Subscriber>) -> Vec<Incoming> {
        let mut before = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "no subscription in time: {before:?}");
            self.hello().await;
            while let Ok(incoming) = tokio::time::timeout(Duration::from_millis(20), agent.recv()).await {
                match incoming.unwrap() {
                    Incoming::Notice(Notice::Subscribed { .. }) => return before,
                    other => before.push(other),
                }
            }
        }
    }

    pub(crate) fn agent_with(&self, agent: &str, expects: PublicKey) -> Result<Arc<dyn Subscriber>> {
        self.agent_of_publisher(agent, expects, &self.endpoint().replace("tcp://", ""))
    }

    /// An agent of a publisher at another address, which has the key of this one.
    pub(crate) fn agent_at(&self, agent: &str, address: &str) -> Arc<dyn Subscriber> {
        self.agent_of_publisher(agent, self.key, address).unwrap()
    }

    fn agent_of_publisher(
        &self,
        agent: &str,
        expects: PublicKey,
        address: &str,
    ) -> Result<Arc<dyn Subscriber>> {
        let sets = vec![
            format!("drivers.zmtp.agent_key_file={}", self.key_file(agent).display()),
            format!("drivers.zmtp.publisher_keys={address}#{expects}"),
        ];
        let subscriber = open(sets).subscriber();
        subscriber.register_topic(topic("D").into())?;
        subscriber.register_listen_address(&format!("tcp://{address}"))?;
        Ok(subscriber)
    }

    /// Waits until this number of subscriptions were seen.
    pub(crate) async fn seen(&self, count: usize) {
        let seen = self.publisher.subscribers_seen().unwrap();
        let mut subscribed = 0;
        while subscribed < count {
            match tokio::time::timeout(PATIENCE, seen.next()).await.expect("a subscription").unwrap() {
                SubscriptionSeen::Subscribed { prefix, .. } if prefix == "D" => subscribed += 1,
                _ => {}
            }
        }
    }

    pub(crate) fn refused(&self, cause: &str) -> u64 {
        self.publisher.status().counter("peers_refused", Some(cause))
    }
}

fn authorize(folder: &TempDir, agents: &[&str]) {
    let line = |agent: &&str| {
        let (name, words) = agent.split_once(' ').unwrap_or((agent, ""));
        let key = drivers_zmtp::read_key_file(&folder.path().join(format!("{name}.key"))).unwrap();
        format!("{name} {} {words}\n", key.public())
    };
    let next = folder.path().join("agents.next");
    fs::write(&next, agents.iter().map(line).collect::<String>()).unwrap();
    fs::rename(next, folder.path().join("agents")).unwrap();
}

/// The driver with CURVE.
pub(crate) fn open(sets: Vec<String>) -> Arc<dyn PubSubApi> {
    let registry = Registry::collect().unwrap();
    let mut all = vec![
        "pub_sub_driver=zmtp_pubsub_driver".to_owned(),
        "drivers.zmtp.mechanism=curve".to_owned(),
        "drivers.zmtp.heartbeat_interval=100ms".to_owned(),
        // A busy machine disconnects nobody, unless a test wants it.
        "dead_after=30s".to_owned(),
    ];
    all.extend(sets);
    let sources = Sources { sets: all, ..Sources::default() };
    let (settings, _) = settings::load(&sources, &[PubSub::TABLE], &registry.settings()).unwrap();
    registry.open(&settings, Role::Network).unwrap()
}

/// The next event's payload; notices are left out.
pub(crate) async fn event(agent: &Arc<dyn Subscriber>) -> Vec<u8> {
    loop {
        match tokio::time::timeout(PATIENCE, agent.recv()).await.expect("an event in time").unwrap() {
            Incoming::Event(envelope) if envelope.topic.as_str() == "D" => return envelope.payload.to_vec(),
            _ => {}
        }
    }
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        // The wait helper itself.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A topic of that name.
pub(crate) fn topic(name: &str) -> Topic {
    Topic::new(name.to_owned()).unwrap()
}

/// The names of the events of this many that arrive next; notices are left out.
pub(crate) async fn names(agent: &Arc<dyn Subscriber>, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    while names.len() < count {
        let incoming = tokio::time::timeout(PATIENCE, agent.recv()).await;
        if let Incoming::Event(event) = incoming.unwrap_or_else(|_| panic!("more after {names:?}")).unwrap() {
            assert_eq!(event.topic.as_bytes(), event.payload);
            names.push(event.topic.to_string());
        }
    }
    names
}
