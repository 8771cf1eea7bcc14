use std::sync::{Arc, Condvar, Mutex, PoisonError};

use redis_servers::RedisCluster;

use super::DatabasePlace;

/// One cluster of Redis for all cases, one case after the other: six servers are too many to start for each.
///
/// It starts when the first case wants it, and ends with the last of the trials that hold it.
#[derive(Debug, Default)]
pub struct SharedCluster {
    state: Mutex<State>,
    free: Condvar,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    NotStarted,
    Free(RedisCluster),
    Lent,
}

/// A cluster without rows, until it is given back by being dropped.
#[derive(Debug)]
pub(super) struct LentCluster {
    cluster: Option<RedisCluster>,
    back_to: Arc<SharedCluster>,
}

impl SharedCluster {
    /// Waits until no other case has it, and empties it.
    pub(super) fn lend(self: &Arc<Self>) -> LentCluster {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while matches!(*state, State::Lent) {
            state = self.free.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let before = std::mem::replace(&mut *state, State::Lent);
        drop(state);
        // If it does not start, this still says that it is lent no more.
        let mut lent = LentCluster { cluster: None, back_to: Arc::clone(self) };
        let cluster = match before {
            State::Free(cluster) => cluster,
            State::NotStarted | State::Lent => RedisCluster::start(),
        };
        cluster.empty();
        lent.cluster = Some(cluster);
        lent
    }
}

impl Drop for LentCluster {
    fn drop(&mut self) {
        let state = self.cluster.take().map_or(State::NotStarted, State::Free);
        *self.back_to.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.back_to.free.notify_one();
    }
}

impl DatabasePlace for LentCluster {
    fn sets(&self) -> Vec<String> {
        let addresses = self.cluster.as_ref().map(RedisCluster::addresses).unwrap_or_default();
        // Two of six are named: the driver has to find the others. Long enough for a busy machine.
        let hosts = addresses.into_iter().take(2).collect::<Vec<_>>().join(",");
        vec![format!("drivers.redis.hosts={hosts}"), "drivers.redis.timeout=20s".to_owned()]
    }
}
