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
        let (early, when_full) = (self.pre_hello.len(), "they are dropped and requested again");
        let mut queues = vec![
            QueueReading::new("gap_buffers", "bytes", (waiting, self.options.buffers_bytes), when_full),
            QueueReading::new("before_hello", "events", (early, PreHelloBuffer::MAX_EVENTS), when_full),
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
        let when_full = "topics are complete after a comparison with the database or a snapshot";
        QueueReading::new("incomplete_topics", "topics", (topics, self.options.max_topics), when_full)
    }
}
