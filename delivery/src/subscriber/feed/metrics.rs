use std::time::Duration;

use pubsub_api::{CounterReading, LatencyBatch, QueueReading};

use super::Feed;
use crate::subscriber::Introduction;
use crate::subscriber::pre_hello_buffer::PreHelloBuffer;
use crate::subscriber::publisher_stream::PublisherStream;

/// The counters and queues of a feed.
impl Feed {
    /// The current counters.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterReading> {
        let disputed = self.streams.iter().filter(|stream| stream.is_disputed).count();
        let mut counters = self.counters.read();
        counters.push(CounterReading {
            name: "publishers_disputed".to_owned(),
            cause: None,
            value: u64::try_from(disputed).unwrap_or(u64::MAX),
        });
        counters
    }

    /// The time since the last hello of the publisher that was silent longest, of those that are followed.
    #[must_use]
    pub fn silence(&self, now: Duration) -> Option<Duration> {
        let heard = self.streams.iter().filter(|stream| self.links.hear(stream.publisher_epoch));
        heard.map(|stream| now.saturating_sub(stream.hello_at)).max()
    }

    /// Sets the wall clock, in microseconds since 1970, for the latencies of the messages that follow.
    pub fn set_wall_clock(&mut self, wall_us: u64) {
        self.latencies.set_wall_clock(wall_us);
    }

    /// The latencies of live events since the last call, from the time in the stamp. Those of a broker are not measured.
    pub fn latencies(&mut self) -> &mut LatencyBatch {
        self.latencies.batch()
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
