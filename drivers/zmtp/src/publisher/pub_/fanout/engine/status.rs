//! The status of a fan-out: counters, queues and peers.

use pubsub_api::{PeerReading, QueueReading, Status};

use super::Fanout;
use crate::request::router::replies::MAX_WAITING_BYTES;

/// The most peers that a status lists one by one.
const LISTED: usize = 1000;

impl Fanout {
    pub(crate) fn status(&self) -> Status {
        let kept = self.shards.iter().map(|shard| shard.state().window_bytes()).max().unwrap_or(0);
        let mut queues = vec![
            QueueReading {
                name: "ring".to_owned(),
                // The block that went over the bound is let go of before anything else is done.
                depth: kept.min(self.core.settings.fanout_log_bytes),
                bound: self.core.settings.fanout_log_bytes,
                unit: "bytes".to_owned(),
                when_full: "the connection that is furthest behind skips to the end and receives the number of events it missed"
                    .to_owned(),
            },
            QueueReading {
                name: "connections".to_owned(),
                depth: self.core.admission.present_connections() as u64,
                bound: self.core.settings.max_connections as u64,
                unit: "connections".to_owned(),
                when_full: "a further connection is closed at once".to_owned(),
            },
            QueueReading {
                name: "answers".to_owned(),
                depth: self.core.requesters.most_waiting_bytes().min(MAX_WAITING_BYTES) as u64,
                bound: MAX_WAITING_BYTES as u64,
                unit: "bytes".to_owned(),
                when_full: "replying to this requester waits; the depth is that of the fullest queue".to_owned(),
            },
        ];
        queues.extend(self.core.requests.read());
        let mut peers = Vec::new();
        for shard in &self.shards {
            let room = LISTED.saturating_sub(peers.len());
            peers.extend(shard.state().peers().take(room).map(|(address, state)| PeerReading {
                endpoint: format!("tcp://{address}"),
                state: state.to_owned(),
            }));
        }
        Status { counters: self.core.counters.read(), queues, peers }
    }
}
