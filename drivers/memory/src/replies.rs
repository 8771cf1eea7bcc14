use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use pubsub_api::{Batch, Envelope, Error, ErrorKind, QueueReading, Reply, Result};
use tokio::sync::Notify;
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

use crate::changes::Changes;
use crate::lock::lock;
use crate::reply_address::ReplyAddress;

/// The replies of all publishers to one subscriber that it has not read yet, in order.
///
/// Bounded in events and in bytes; a publisher that replies waits for room.
#[derive(Debug)]
pub(crate) struct Replies {
    state: Mutex<State>,
    bound: usize,
    filled: Changes,
    emptied: Notify,
}

/// Limit in bytes; one event may exceed it.
const MAX_BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Reply>,
    events: usize,
    bytes: usize,
    /// The number of replies read so far.
    read: u64,
    closed: bool,
}

impl Replies {
    /// An empty queue for `bound` events.
    pub(crate) fn new(bound: usize) -> Self {
        Self { state: Mutex::default(), bound, filled: Changes::default(), emptied: Notify::new() }
    }

    /// Adds the envelopes of a batch. Waits for room as long as the subscriber reads something within `patience`.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the requester is gone or does not read; the rest stays in the batch.
    pub(crate) async fn answer(
        &self,
        address: &ReplyAddress,
        batch: &mut Batch,
        patience: Duration,
    ) -> Result<()> {
        loop {
            let mut emptied = pin!(self.emptied.notified());
            // From here on no change is missed, even one before the wait.
            emptied.as_mut().enable();
            let read = self.put(address, batch)?;
            if batch.is_empty() {
                return Ok(());
            }
            if timeout(patience, emptied).await.is_err() && lock(&self.state).read == read {
                let text = format!("the requester read none of its replies for {patience:?} (dead_after)");
                return Err(Error::new(ErrorKind::Unavailable, text));
            }
        }
    }

    /// Adds what fits; returns the number of replies read so far.
    fn put(&self, address: &ReplyAddress, batch: &mut Batch) -> Result<u64> {
        let mut state = lock(&self.state);
        if state.closed || address.has_ended() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the requester has disconnected; it must send its requests again",
            ));
        }
        while state.events < self.bound
            && state.bytes < MAX_BYTES
            && let Some(first) = batch.first_envelope()
        {
            let envelope = first?;
            state.events += 1;
            state.bytes += weight(&envelope);
            state.items.push_back(Reply::Part { endpoint: address.as_str().to_owned(), envelope });
            batch.advance(1);
        }
        let read = state.read;
        drop(state);
        self.filled.announce();
        Ok(read)
    }

    /// Ends a requester's link, and reports that its open requests will not be answered.
    pub(crate) fn lose(&self, address: &ReplyAddress, reason: &str) {
        let mut state = lock(&self.state);
        address.end();
        if !state.closed {
            state.lose(address.as_str(), reason);
        }
        drop(state);
        self.filled.announce();
        self.emptied.notify_waiters();
    }

    /// Reports that no publisher received the requests sent to `address`.
    pub(crate) fn refuse(&self, address: &str, reason: &str) {
        lock(&self.state).lose(address, reason);
        self.filled.announce();
    }

    /// The next reply, as in [`pubsub_api::Requester::next`].
    pub(crate) async fn next(&self) -> Result<Reply> {
        // Even a reader that never waits yields to other tasks.
        consume_budget().await;
        self.filled.until(|| self.take()).await
    }

    fn take(&self) -> Option<Result<Reply>> {
        let mut state = lock(&self.state);
        let was_half_empty = state.is_half_empty(self.bound);
        let taken = state.items.pop_front();
        if let Some(Reply::Part { envelope, .. }) = &taken {
            state.events -= 1;
            state.bytes -= weight(envelope);
            state.read += 1;
        }
        let has_room = !was_half_empty && state.is_half_empty(self.bound);
        let ended = taken.is_none() && state.closed;
        drop(state);
        if has_room {
            self.emptied.notify_waiters();
        }
        let closed = || Error::new(ErrorKind::Closed, "the subscriber is closed, and all replies are read");
        taken.map(Ok).or_else(|| ended.then(|| Err(closed())))
    }

    /// Stops accepting; queued replies can still be read.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.filled.announce();
        self.emptied.notify_waiters();
    }

    /// The fill level.
    pub(crate) fn queue(&self) -> QueueReading {
        QueueReading::new(
            "replies",
            "events",
            (lock(&self.state).events, self.bound),
            "publishers that reply wait",
        )
    }
}

impl State {
    fn is_half_empty(&self, bound: usize) -> bool {
        self.events <= bound / 2 && self.bytes <= MAX_BYTES / 2
    }

    /// Not twice in a row: the reader sends all its requests again after the first one.
    fn lose(&mut self, address: &str, reason: &str) {
        let of_address = |reply: &&Reply| match reply {
            Reply::Part { endpoint, .. } | Reply::Lost { endpoint, .. } | Reply::Refused { endpoint, .. } => {
                endpoint == address
            }
        };
        if !matches!(self.items.iter().rev().find(of_address), Some(Reply::Lost { .. })) {
            self.items.push_back(Reply::Lost { endpoint: address.to_owned(), reason: reason.to_owned() });
        }
    }
}

fn weight(envelope: &Envelope) -> usize {
    envelope.topic.as_bytes().len() + envelope.payload.len()
}
