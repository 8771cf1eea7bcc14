//! A publisher and agents with keys in files.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drivers_zmtp::protocol::curve::PublicKey;
use drivers_zmtp::write_key_file;
use pubsub_api::settings::PubSub;
use pubsub_api::{
    Incoming, PubSubApi, Publisher, Registry, Result, Role, Subscriber, SubscriptionSeen, Topic,
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
            write_key_file(&folder.path().join(format!("{agent}.key"))).unwrap();
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

    /// From now on these may connect. The file is replaced, as an operator's tool does.
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

    pub(crate) fn agent_with(&self, agent: &str, expects: PublicKey) -> Result<Arc<dyn Subscriber>> {
        let address = self.endpoint().replace("tcp://", "");
        let sets = vec![
            format!("drivers.zmtp.agent_key_file={}", self.key_file(agent).display()),
            format!("drivers.zmtp.publisher_keys={address}#{expects}"),
        ];
        let subscriber = open(sets).subscriber();
        subscriber.register_topic(topic("D").into())?;
        subscriber.register_listen_address(&self.endpoint())?;
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
        let key = drivers_zmtp::read_key_file(&folder.path().join(format!("{agent}.key"))).unwrap();
        format!("{agent} {}\n", key.public())
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
