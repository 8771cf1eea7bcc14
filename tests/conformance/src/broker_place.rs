use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use redis_servers::{RedisCluster, RedisServer, ServerProgram};

use crate::Outcome;

/// The location of one case's broker. Resources that it needs, such as a server, belong to it and end with it.
pub trait BrokerPlace: Debug + Send + Sync {
    /// The `--set` arguments with which the driver finds it.
    fn sets(&self) -> Vec<String>;
}

/// A server that only this case uses, killed at its end.
impl BrokerPlace for RedisServer {
    fn sets(&self) -> Vec<String> {
        vec![format!("drivers.redis.hosts={}", self.address())]
    }
}

/// A kind of broker for a driver. The driver runs its cases with each.
#[derive(Debug)]
pub struct BrokerKind {
    /// The driver.
    pub alias: &'static str,
    /// Its name in the names of trials.
    pub word: &'static str,
    make: fn(&Arc<BrokerClusters>) -> Arc<dyn BrokerPlace>,
}

/// The brokers of each driver that needs one. A driver that is missing here fails its cases.
pub const BROKERS: &[BrokerKind] = &[
    BrokerKind {
        alias: "redis_db_pubsub_driver",
        word: "single",
        make: |_| Arc::new(RedisServer::start(&[])),
    },
    BrokerKind {
        alias: "redis_db_pubsub_driver",
        word: "cluster",
        make: |shared| Arc::new(shared.lend(ServerProgram::chosen())),
    },
    BrokerKind {
        alias: "redis_db_pubsub_driver",
        word: "redis_6_2",
        make: |_| Arc::new(RedisServer::start_program(ServerProgram::Redis6, &[])),
    },
    BrokerKind {
        alias: "redis_db_pubsub_driver",
        word: "valkey_9_1",
        make: |_| Arc::new(RedisServer::start_program(ServerProgram::Valkey9, &[])),
    },
    BrokerKind {
        alias: "redis_db_pubsub_driver",
        word: "valkey_9_1_cluster",
        make: |shared| Arc::new(shared.lend(ServerProgram::Valkey9)),
    },
];

impl BrokerKind {
    /// The brokers of the driver `alias`.
    ///
    /// # Errors
    /// If there are none.
    pub fn of(alias: &str) -> Outcome<Vec<&'static Self>> {
        let kinds: Vec<_> = BROKERS.iter().filter(|kind| kind.alias == alias).collect();
        if kinds.is_empty() {
            let text = format!("the suite knows no broker for {alias:?}: add one in broker_place.rs");
            return Err(text.into());
        }
        Ok(kinds)
    }

    /// Creates one for a case; `shared` is what the cases have in common.
    pub(crate) fn make(&self, shared: &Arc<BrokerClusters>) -> Arc<dyn BrokerPlace> {
        (self.make)(shared)
    }
}

/// Clusters, each used by one case after the other: starting six servers for each case is too slow, and pub/sub leaves nothing
/// behind. Each program has as many as cases run at a time; they end with the last trial that holds this.
#[derive(Debug, Default)]
pub struct BrokerClusters(Mutex<HashMap<ServerProgram, Vec<RedisCluster>>>);

#[derive(Debug)]
struct LentCluster {
    program: ServerProgram,
    cluster: Option<RedisCluster>,
    back_to: Arc<BrokerClusters>,
}

impl BrokerClusters {
    fn lend(self: &Arc<Self>, program: ServerProgram) -> LentCluster {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(program).or_default().pop();
        let cluster = free.unwrap_or_else(|| RedisCluster::start_program(program));
        // Events of the previous case may still be on their way between nodes.
        cluster.settle_the_bus();
        LentCluster { program, cluster: Some(cluster), back_to: Arc::clone(self) }
    }
}

impl BrokerPlace for LentCluster {
    fn sets(&self) -> Vec<String> {
        let addresses = self.cluster.as_ref().map(RedisCluster::addresses).unwrap_or_default();
        // The settings have two of six, one of them a replica: the driver has to find the masters.
        let hosts = addresses.into_iter().skip(2).take(2).collect::<Vec<_>>().join(",");
        vec![format!("drivers.redis.hosts={hosts}")]
    }
}

impl Drop for LentCluster {
    fn drop(&mut self) {
        let free = &mut *self.back_to.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.entry(self.program).or_default().extend(self.cluster.take());
    }
}

#[cfg(test)]
mod tests {
    use super::BrokerKind;

    #[test]
    fn a_driver_without_a_place_fails_with_a_sentence() {
        let failure = BrokerKind::of("another_driver").unwrap_err().to_string();
        assert!(failure.contains("knows no broker for \"another_driver\""), "{failure}");
    }
}
