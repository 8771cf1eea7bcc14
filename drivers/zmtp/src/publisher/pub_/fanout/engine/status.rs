//! What can be read of a fan-out.

use pubsub_api::{PeerReading, QueueReading, Status};

use super::Fanout;
use crate::request::router::replies::MAX_WAITING_BYTES;

/// How many peers a status lists one by one.
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
                when_full: "who is furthest behind skips to the end, and is told how many events it missed"
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
                depth: self.core.askers.most_waiting_bytes().min(MAX_WAITING_BYTES) as u64,
                bound: MAX_WAITING_BYTES as u64,
                unit: "bytes".to_owned(),
                when_full: "answering this asker waits; the depth is that of the fullest".to_owned(),
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
        Status { counters: self.core.readings.read(), queues, peers }
    }
}
