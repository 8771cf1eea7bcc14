use std::fmt::Debug;

use redis_servers::RedisServer;

/// The location of one case's database. Resources that it needs, such as a server, belong to it and end with it.
pub trait DatabasePlace: Debug + Send + Sync {
    /// The `--set` arguments with which the driver finds it.
    fn sets(&self) -> Vec<String>;
}

/// A place that needs only settings.
impl DatabasePlace for Vec<String> {
    fn sets(&self) -> Vec<String> {
        self.clone()
    }
}

/// A server that only this case uses, killed at its end.
impl DatabasePlace for RedisServer {
    fn sets(&self) -> Vec<String> {
        // Long enough for a busy machine.
        vec![format!("drivers.redis.hosts={}", self.address()), "drivers.redis.timeout=20s".to_owned()]
    }
}

/// A server with rows in the layout of Dragonflow 4.0.
#[derive(Debug)]
pub(super) struct OldLayout(pub(super) RedisServer);

impl DatabasePlace for OldLayout {
    fn sets(&self) -> Vec<String> {
        let mut sets = self.0.sets();
        sets.push("drivers.redis.key_layout=4.0".to_owned());
        sets
    }
}
