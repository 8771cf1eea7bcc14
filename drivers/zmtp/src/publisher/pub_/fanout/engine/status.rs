//! The status of a fan-out: counters, queues and peers.

use pubsub_api::{PeerReading, QueueReading, Status};

use super::Fanout;
use crate::request::router::replies::MAX_WAITING_BYTES;

/// The most peers that a status lists one by one.
const LISTED: usize = 1000;

impl Fanout {
    /// The counters and queues, without a lock of a shard.
    pub(crate) fn metrics(&self) -> Status {
        let kept = self.shards.iter().map(|shard| shard.window_bytes()).max().unwrap_or(0);
        let queues = vec![self.window(kept), self.connections()];
        Status { counters: self.core.counters.read(), queues, ..Status::default() }
    }

    fn window(&self, kept: u64) -> QueueReading {
        let bound = self.core.settings.fanout_log_bytes;
        let when_full = "the connection that is furthest behind skips to the end and receives the number of missed events";
        // The block that exceeded the bound is released before anything else is done.
        QueueReading::new("ring", "bytes", (kept.min(bound), bound), when_full)
    }

    fn connections(&self) -> QueueReading {
        let (present, bound) =
            (self.core.admission.present_connections(), self.core.settings.max_connections);
        QueueReading::new(
            "connections",
            "connections",
            (present, bound),
            "a further connection is closed at once",
        )
    }

    /// The counters, queues and peers.
    pub(crate) fn status(&self) -> Status {
        let kept = self.shards.iter().map(|shard| shard.state().window_bytes()).max().unwrap_or(0);
        let most_waiting = self.core.requesters.most_waiting_bytes().min(MAX_WAITING_BYTES);
        let mut queues = vec![
            self.window(kept),
            self.connections(),
            QueueReading::new(
                "answers",
                "bytes",
                (most_waiting, MAX_WAITING_BYTES),
                "replying to this requester waits; the depth is that of the fullest queue",
            ),
        ];
        queues.extend(self.core.requests.read());
        let mut peers = Vec::new();
        for shard in &self.shards {
            let room = LISTED.saturating_sub(peers.len());
            peers.extend(shard.state().peers().take(room).map(|(name, state)| PeerReading {
                endpoint: format!("tcp://{name}"),
                state: state.to_owned(),
            }));
        }
        let (counters, refusals) = (self.core.counters.read(), self.core.counters.refusals());
        Status { counters, queues, peers, refusals, ..Status::default() }
    }
}
