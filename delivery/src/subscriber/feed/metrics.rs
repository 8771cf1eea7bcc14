use pubsub_api::{CounterReading, QueueReading};

use super::Feed;
use crate::subscriber::Introduction;
use crate::subscriber::pre_hello_buffer::PreHelloBuffer;
use crate::subscriber::publisher_stream::PublisherStream;

/// The counters and queues of a feed.
impl Feed {
    /// The current counters.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterReading> {
        self.counters.read()
    }

    /// The buffers, with their bounds.
    #[must_use]
    pub fn queues(&self) -> Vec<QueueReading> {
        let waiting: usize = self.streams.iter().map(PublisherStream::waiting_bytes).sum();
        let when_full = "they are dropped and requested again".to_owned();
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
                depth: self.pre_hello.len() as u64,
                bound: PreHelloBuffer::MAX_EVENTS as u64,
                unit: "events".to_owned(),
                when_full,
            },
        ];
        queues.push(self.incomplete());
        match self.options.introduction {
            Introduction::ByHello => {}
            Introduction::ByBroker => queues.push(self.tracked()),
        }
        queues
    }

    /// The topics with a reported resync and no snapshot since.
    fn incomplete(&self) -> QueueReading {
        let topics: usize = self.streams.iter().map(PublisherStream::incomplete).sum();
        QueueReading {
            name: "incomplete_topics".to_owned(),
            depth: topics as u64,
            bound: self.options.max_topics as u64,
            unit: "topics".to_owned(),
            when_full: "topics are complete after a comparison with the database or a snapshot".to_owned(),
        }
    }
}
