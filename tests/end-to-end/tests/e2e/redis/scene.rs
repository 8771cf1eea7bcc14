//! An installation on Redis.

use std::time::Duration;

use end_to_end::{Folder, Program};
use pubsub_api::Registry;
use pubsub_api::settings::Settings;
use settings::Sources;

/// How long a call of the database waits for Redis, unless a test sets another time.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);

/// How long an event may take to be confirmed.
pub(crate) const CONFIRM_WITHIN: Duration = Duration::from_secs(3);

/// A connection without a sign of life for this long counts as dead. It is long, so that a busy machine alone does not kill one.
pub(crate) const DEAD_AFTER: Duration = Duration::from_secs(5);

/// What is wanted is compared within three seconds, and what nobody wants when the test is long over.
pub(crate) const SELDOM: &str = "72s";

/// A folder whose programs use Redis to publish and as the database.
pub(crate) struct Scene {
    pub(crate) folder: Folder,
}

impl Scene {
    pub(crate) fn new(hosts: &[String]) -> Self {
        Self::with(hosts, SELDOM, TIMEOUT)
    }

    /// With another `db_sync_time`, and another time that calls of the database may take.
    pub(crate) fn with(hosts: &[String], db_sync_time: &str, timeout: Duration) -> Self {
        let (dead_after, timeout) = (DEAD_AFTER.as_millis(), timeout.as_millis());
        let folder = Folder::with_settings(&format!(
            "pub_sub_driver = \"redis_db_pubsub_driver\"\nnb_db_class = \"redis_nb_db_driver\"\nuse_nb_db = \"yes\"\n\
             db_sync_time = \"{db_sync_time}\"\ndead_after = \"{dead_after}ms\"\n\
             [drivers.redis]\nhosts = {hosts:?}\ntimeout = \"{timeout}ms\"\n"
        ));
        Self { folder }
    }

    /// Its settings, for what runs in this process.
    pub(crate) fn settings(&self, registry: &Registry) -> Settings {
        let sources = Sources { files: vec![self.folder.config()], ..Sources::default() };
        all_settings::load(&sources, &registry.settings()).unwrap().0
    }

    /// An agent that has placed its subscriptions and compared itself with the database.
    pub(crate) fn agent(&self, name: &str) -> Program {
        let launch = self.folder.launch("subscriber-agent", name).args(["--pattern", "#", "--stamps"]);
        let agent = launch.start();
        agent.wait_for_notice(0, "subscribed");
        agent.wait_for_notice(0, "synced");
        agent
    }

    pub(crate) fn agents(&self, count: usize) -> Vec<Program> {
        (0..count).map(|number| self.agent(&format!("agent-{number}"))).collect()
    }
}
