//! The status of a fan-out: counters, queues and peers.

use pubsub_api::{PeerReading, QueueReading, Status};

use super::Fanout;
use crate::request::router::replies::MAX_WAITING_BYTES;

/// The most peers that a status lists one by one.
const LISTED: usize = 1000;

impl Fanout {
    pub(crate) fn status(&self) -> Status {
        let kept = self.shards.iter().map(|shard| shard.state().window_bytes()).max().unwrap_or(0);
        let bound = self.core.settings.fanout_log_bytes;
        let when_full = "the connection that is furthest behind skips to the end and receives the number of missed events";
        let mut queues = vec![
            // The block that exceeded the bound is released before anything else is done.
            QueueReading::new("ring", "bytes", (kept.min(bound), bound), when_full),
            QueueReading::new(
                "connections",
                "connections",
                (self.core.admission.present_connections(), self.core.settings.max_connections),
                "a further connection is closed at once",
            ),
            QueueReading::new(
                "answers",
                "bytes",
                (self.core.requesters.most_waiting_bytes().min(MAX_WAITING_BYTES), MAX_WAITING_BYTES),
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
        Status { counters: self.core.counters.read(), queues, peers, refusals: self.core.counters.refusals() }
    }
}
