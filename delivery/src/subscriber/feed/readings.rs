use pubsub_api::{CounterReading, QueueReading};

use super::Feed;
use crate::subscriber::held::Held;
use crate::subscriber::line::Line;

/// What can be read of a feed.
impl Feed {
    /// Counters as they are now.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterReading> {
        self.counters.read()
    }

    /// What is held back, and its bounds.
    #[must_use]
    pub fn queues(&self) -> Vec<QueueReading> {
        let waiting: usize = self.lines.iter().map(Line::waiting_bytes).sum();
        let when_full = "they are dropped, and asked for again".to_owned();
        let mut queues = vec![
            QueueReading {
                name: "gap_buffers".to_owned(),
                depth: waiting as u64,
                bound: self.options.buffers_bytes as u64,
                unit: "bytes".to_owned(),
                when_full: when_full.clone(),
            },
            QueueReading {
                name: "before_hello".to_owned(),
                depth: self.held.len() as u64,
                bound: Held::MAX_EVENTS as u64,
                unit: "events".to_owned(),
                when_full,
            },
        ];
        queues.extend((!self.options.introduced).then(|| self.followed()));
        queues
    }
}
