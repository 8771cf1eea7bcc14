use pubsub_api::{Batch, Envelope, Error, ErrorKind, QueueReading, Reply, Result};
use tokio::time::Instant;

use crate::arrival::Arrival;
use crate::faults::Fate;
use crate::timed_queue::TimedQueue;

/// The replies to one subscriber that it has not read: at most [`MAX_EVENTS`] and [`MAX_BYTES`], and one event more.
#[derive(Debug)]
pub(crate) struct Replies {
    queue: TimedQueue<Reply>,
    events: usize,
    bytes: usize,
    /// When the last of them can be read.
    last_due: Option<Instant>,
}

const MAX_EVENTS: usize = 10_000;

const MAX_BYTES: usize = 4 * 1024 * 1024;

impl Replies {
    pub(crate) fn new() -> Self {
        Self { queue: TimedQueue::new(), events: 0, bytes: 0, last_due: None }
    }

    /// Moves what fits from a batch; each envelope with the fates that `draw` returns.
    pub(crate) fn fill(
        &mut self,
        endpoint: &str,
        batch: &mut Batch,
        now: Instant,
        mut draw: impl FnMut() -> Vec<Fate>,
    ) -> Result<()> {
        while self.events < MAX_EVENTS
            && self.bytes < MAX_BYTES
            && let Some(first) = batch.first_envelope()
        {
            let envelope = first?;
            for fate in draw() {
                let due = self.due(now, fate);
                self.events += 1;
                self.bytes += weight(&envelope);
                let part = Reply::Part { endpoint: endpoint.to_owned(), envelope: envelope.clone() };
                self.queue.push(due, part);
            }
            batch.advance(1);
        }
        Ok(())
    }

    fn due(&mut self, now: Instant, fate: Fate) -> Instant {
        let due = now + fate.delay;
        if fate.is_late {
            return due;
        }
        let due = self.last_due.map_or(due, |last| last.max(due));
        self.last_due = Some(due);
        due
    }

    /// Reports that requests to a publisher will get no reply; not twice in a row.
    pub(crate) fn lose(&mut self, endpoint: &str, reason: &str, now: Instant) {
        let is_lost =
            matches!(self.queue.last(), Some(Reply::Lost { endpoint: last, .. }) if last == endpoint);
        if !is_lost {
            let due = self.last_due.map_or(now, |last| last.max(now));
            let (endpoint, reason) = (endpoint.to_owned(), reason.to_owned());
            self.queue.push(due, Reply::Lost { endpoint, reason });
        }
    }

    /// Removes the next reply; the end if the subscriber is closed.
    pub(crate) fn take(&mut self, is_closed: bool, now: Instant) -> Arrival<Reply> {
        match self.queue.pop(now) {
            Some(reply) => {
                if let Reply::Part { envelope, .. } = &reply {
                    self.events -= 1;
                    self.bytes -= weight(envelope);
                }
                Arrival::Now(Ok(reply))
            }
            None if is_closed => {
                let text = "the subscriber is closed, and all replies are read";
                Arrival::Now(Err(Error::new(ErrorKind::Closed, text)))
            }
            None => Arrival::Later(self.queue.next_due()),
        }
    }

    pub(crate) fn read(&self) -> QueueReading {
        QueueReading::new(
            "replies",
            "events",
            (self.events.min(MAX_EVENTS), MAX_EVENTS),
            "publishers that reply wait",
        )
    }
}

fn weight(envelope: &Envelope) -> usize {
    envelope.topic.as_bytes().len() + envelope.payload.len()
}
