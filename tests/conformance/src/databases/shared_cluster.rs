use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use redis_servers::{RedisCluster, ServerProgram};

use super::DatabasePlace;

/// One cluster of each program for all cases, one case after the other: starting six servers for each case is too slow.
///
/// It starts when the first case needs it, and ends with the last trial that holds it.
#[derive(Debug, Default)]
pub struct SharedCluster {
    states: Mutex<HashMap<ServerProgram, State>>,
    free: Condvar,
}

/// A program without an entry has no cluster yet.
#[derive(Debug)]
enum State {
    Free(RedisCluster),
    Lent,
}

/// A cluster without rows; dropping it returns it.
#[derive(Debug)]
pub(super) struct LentCluster {
    program: ServerProgram,
    cluster: Option<RedisCluster>,
    back_to: Arc<SharedCluster>,
}

impl SharedCluster {
    /// Waits until no other case uses the program's cluster, and empties it.
    pub(super) fn lend(self: &Arc<Self>, program: ServerProgram) -> LentCluster {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        while matches!(states.get(&program), Some(State::Lent)) {
            states = self.free.wait(states).unwrap_or_else(PoisonError::into_inner);
        }
        let before = states.insert(program, State::Lent);
        drop(states);
        // If the start fails, dropping this releases the cluster.
        let mut lent = LentCluster { program, cluster: None, back_to: Arc::clone(self) };
        let cluster = match before {
            Some(State::Free(cluster)) => cluster,
            Some(State::Lent) | None => RedisCluster::start_program(program),
        };
        cluster.empty();
        lent.cluster = Some(cluster);
        lent
    }
}

impl Drop for LentCluster {
    fn drop(&mut self) {
        let mut states = self.back_to.states.lock().unwrap_or_else(PoisonError::into_inner);
        match self.cluster.take() {
            Some(cluster) => states.insert(self.program, State::Free(cluster)),
            None => states.remove(&self.program),
        };
        drop(states);
        // Cases that wait for a cluster of another program wait for the same notification.
        self.back_to.free.notify_all();
    }
}

impl DatabasePlace for LentCluster {
    fn sets(&self) -> Vec<String> {
        let addresses = self.cluster.as_ref().map(RedisCluster::addresses).unwrap_or_default();
        // The settings have two of six: the driver has to find the others. The timeout is long enough for a busy machine.
        let hosts = addresses.into_iter().take(2).collect::<Vec<_>>().join(",");
        vec![format!("drivers.redis.hosts={hosts}"), "drivers.redis.timeout=20s".to_owned()]
    }
}
