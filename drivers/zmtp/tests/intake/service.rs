//! The end under test, and how long it is waited for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use drivers_zmtp as _;
use pubsub_api::settings::{PubSub, Settings};
use pubsub_api::{Batch, Registry, Role, Status, Subscriber};
use settings::Sources;
use tempfile::TempDir;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A bound subscriber in a folder of its own.
pub(crate) struct Service {
    subscriber: Arc<dyn Subscriber>,
    settings: Settings,
    folder: TempDir,
}

impl Service {
    /// With settings of the test.
    pub(crate) async fn start(sets: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::collect().unwrap();
        let mut all = vec![
            "pub_sub_multiproc_driver=zmtp_pubsub_multiproc_driver".to_owned(),
            format!("publisher_multiproc_socket={}", socket_in(folder.path()).display()),
        ];
        all.extend(sets.iter().map(|set| (*set).to_owned()));
        let sources = Sources { sets: all, ..Sources::default() };
        let (settings, _) = settings::load(&sources, &[PubSub::TABLE], &registry.settings()).unwrap();
        let subscriber = registry.open(&settings, Role::Multiproc).unwrap().subscriber();
        subscriber.initialize().await.unwrap();
        Self { subscriber, settings, folder }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket_in(self.folder.path())
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings.clone()
    }

    pub(crate) fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::clone(&self.subscriber)
    }

    pub(crate) fn status(&self) -> Status {
        self.subscriber.status()
    }

    pub(crate) fn refused(&self, cause: &str) -> u64 {
        self.status().counter("peers_refused", Some(cause))
    }

    pub(crate) fn dropped(&self, cause: &str) -> u64 {
        self.status().counter("frames_dropped", Some(cause))
    }

    /// The payloads of the next `count` events.
    pub(crate) async fn take(&self, count: usize) -> Vec<String> {
        let mut taken = Vec::new();
        while taken.len() < count {
            taken.extend(self.batch().await);
        }
        assert_eq!(taken.len(), count, "more came: {:?}", &taken[count..]);
        taken
    }

    /// The topics of events, until `count` numbers of one worker have come; they are acknowledged.
    pub(crate) async fn take_and_acknowledge(&self, count: u64) -> Vec<String> {
        let (mut topics, mut last) = (Vec::new(), 0);
        while last < count {
            let mut batch = Batch::new();
            let received = tokio::time::timeout(PATIENCE, self.subscriber.recv_batch(&mut batch));
            received.await.expect("events in time").unwrap();
            topics.extend(batch.iter().map(|event| String::from_utf8_lossy(event.topic).into_owned()));
            for source in batch.sources() {
                last = last.max(source.last());
                self.subscriber.acknowledger().unwrap().acknowledge(source.peer, source.last());
            }
        }
        topics
    }

    /// The payloads of the next batch.
    pub(crate) async fn batch(&self) -> Vec<String> {
        let mut batch = Batch::new();
        let received = tokio::time::timeout(PATIENCE, self.subscriber.recv_batch(&mut batch));
        received.await.expect("events in time").unwrap();
        texts(&batch)
    }
}

/// The payloads of a batch.
pub(crate) fn texts(batch: &Batch) -> Vec<String> {
    batch.iter().map(|event| String::from_utf8_lossy(event.payload).into_owned()).collect()
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

fn socket_in(folder: &Path) -> PathBuf {
    folder.join("ipc.sock")
}
