//! The stop of a publisher: each of our subscribers is given its own time to connect again.

use std::time::Duration;

use super::ShardState;
use crate::protocol::Command;

impl ShardState {
    /// Queues a RETRY-AFTER for each subscriber that obeys it, with the next of `times`. It follows everything that the subscriber
    /// already waits for, unless its socket is slow: then it may come between two events.
    pub(in crate::publisher::pub_::fanout) fn announce_stop(
        &mut self,
        times: &mut impl Iterator<Item = Duration>,
    ) {
        let mut told = Vec::new();
        let ours = self.connections.iter_mut().filter(|(_, connection)| connection.obeys_retry_after);
        for ((peer, connection), time) in ours.zip(times) {
            Command::RetryAfter(time).put(connection.outbox.bytes());
            told.push(*peer);
        }
        told.into_iter().for_each(|peer| self.make_ready(peer));
    }
}
