use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use pubsub_api::{Batch, Envelope, Error, ErrorKind, QueueReading, Reply, Result};
use tokio::sync::Notify;
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

use crate::asker::Asker;
use crate::lock::lock;
use crate::stream::queue_reading;

/// What publishers have answered one subscriber and it has not read yet, in order, of all of them together.
///
/// Bounded in events and in bytes; whoever answers waits for room.
#[derive(Debug)]
pub(crate) struct Replies {
    state: Mutex<State>,
    bound: usize,
    filled: Notify,
    emptied: Notify,
}

/// With so much in it nothing more fits: it is exceeded by one event.
const MAX_BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Reply>,
    events: usize,
    bytes: usize,
    /// How many were read in all.
    read: u64,
    closed: bool,
}

impl Replies {
    /// An empty one with room for `bound` events.
    pub(crate) fn new(bound: usize) -> Self {
        Self { state: Mutex::default(), bound, filled: Notify::new(), emptied: Notify::new() }
    }

    /// Puts the envelopes of a batch, waiting for room as long as something is read within `patience`.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the asker is gone or does not read; what is left in the batch was not put.
    pub(crate) async fn answer(&self, asker: &Asker, batch: &mut Batch, patience: Duration) -> Result<()> {
        loop {
            let mut emptied = pin!(self.emptied.notified());
            // From here on no change is missed, whichever comes first, the change or the wait.
            emptied.as_mut().enable();
            let read = self.put(asker, batch)?;
            if batch.is_empty() {
                return Ok(());
            }
            if timeout(patience, emptied).await.is_err() && lock(&self.state).read == read {
                let text = format!("the asker read nothing of its answer for {patience:?} (dead_after)");
                return Err(Error::new(ErrorKind::Unavailable, text));
            }
        }
    }

    /// Puts what fits; how many were read so far.
    fn put(&self, asker: &Asker, batch: &mut Batch) -> Result<u64> {
        let mut state = lock(&self.state);
        if state.closed || asker.is_gone() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the asker is gone: what it wants, it asks again",
            ));
        }
        while state.events < self.bound
            && state.bytes < MAX_BYTES
            && let Some(first) = batch.first_envelope()
        {
            let envelope = first?;
            state.events += 1;
            state.bytes += weight(&envelope);
            state.items.push_back(Reply::Part { endpoint: asker.address().to_owned(), envelope });
            batch.advance(1);
        }
        let read = state.read;
        drop(state);
        self.filled.notify_waiters();
        Ok(read)
    }

    /// Ends an asker, and tells that what it asked will not be answered.
    pub(crate) fn lose(&self, asker: &Asker, reason: &str) {
        let mut state = lock(&self.state);
        asker.leave();
        if !state.closed {
            state.lose(asker.address(), reason);
        }
        drop(state);
        self.filled.notify_waiters();
        self.emptied.notify_waiters();
    }

    /// Tells that what was asked at `address` reached nobody.
    pub(crate) fn refuse(&self, address: &str, reason: &str) {
        lock(&self.state).lose(address, reason);
        self.filled.notify_waiters();
    }

    /// The next one, as [`pubsub_api::Requester::next`] has it.
    pub(crate) async fn next(&self) -> Result<Reply> {
        // A reader that never has to wait still lets other tasks run.
        consume_budget().await;
        loop {
            let mut filled = pin!(self.filled.notified());
            filled.as_mut().enable();
            if let Some(outcome) = self.take() {
                return outcome;
            }
            filled.await;
        }
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

    /// Takes nothing more; what is there can still be read.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.filled.notify_waiters();
        self.emptied.notify_waiters();
    }

    /// How full it is.
    pub(crate) fn queue(&self) -> QueueReading {
        queue_reading("replies", lock(&self.state).events, self.bound, "whoever answers waits")
    }
}

impl State {
    fn is_half_empty(&self, bound: usize) -> bool {
        self.events <= bound / 2 && self.bytes <= MAX_BYTES / 2
    }

    /// Not twice in a row: whoever reads the first asks again then.
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
