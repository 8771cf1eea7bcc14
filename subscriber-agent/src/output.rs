use std::future::pending;
use std::io::{ErrorKind as IoErrorKind, Write};
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Notice, Result};
use serde::Serialize;
use service_kit::WriteQueue;

use crate::{Change, HandlerFailure, HandlerGap};

/// Writes events and notices as JSON lines, in the order of the calls.
///
/// Lines are collected in blocks, and blocks pass through a bounded [`WriteQueue`] to a separate thread. Call
/// [`flush`](Output::flush) when no more lines are ready, so that a single event is written at once and many events need few
/// system calls. If the reader stops reading and the queue is full, the agent stops receiving events; signals, heartbeats and
/// the status socket still work.
pub struct Output {
    /// `None` if everything is discarded.
    queue: Option<Arc<WriteQueue>>,
    events: bool,
    stamps: bool,
    block: Vec<u8>,
}

/// The size, in bytes, at which a block is queued without waiting for `flush`: the default capacity of a pipe.
const BLOCK_BYTES: usize = 64 * 1024;

/// The bound of the queue of the writing thread, in bytes.
const QUEUE_BYTES: usize = 1024 * 1024;

/// The notices of the agent, in addition to those of the driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum AgentNotice {
    /// The subscriptions are registered; the agent connects.
    Ready,
    /// A handler failed on an event.
    HandlerFailed(HandlerFailure),
    /// Events for a handler were dropped.
    HandlerGap(HandlerGap),
    /// The table was compared with the database and is equal to it, except for `kept` and `unconfirmed` rows. The differences
    /// were delivered before this notice, as events of origin `sync`.
    Synced {
        /// The reason of the comparison.
        reason: String,
        /// The number of rows that the database has for this agent.
        rows: usize,
        /// The number of rows that differed and were corrected.
        differences: usize,
        /// The number of rows that differed because of an event that arrived during the read.
        kept: usize,
        /// The number of rows that are absent in the database; they stay until another read confirms that.
        unconfirmed: usize,
        /// The duration of the comparison, in milliseconds.
        took_ms: u64,
    },
    /// Most of the agent's rows are absent in the database, which may have lost them. They stay until they have
    /// been absent for `wait_ms`; a `synced` notice follows.
    SyncHeld {
        /// The number of absent rows.
        absent: usize,
        /// The number of rows of the agent.
        rows: usize,
        /// The shortest time from the first such read to the deletion, in milliseconds.
        wait_ms: u64,
    },
    /// The table refused a row, because its rows need all of `agent.table_bytes`. The agent is not live, and keeps what it
    /// has, until `TableHasRoom`.
    TableFull {
        /// About how much memory the rows need, in bytes.
        bytes: usize,
        /// The bound, in bytes.
        bound: usize,
    },
    /// The table has room again: the refused rows are requested.
    TableHasRoom {
        /// About how much memory the rows need, in bytes.
        bytes: usize,
        /// The bound, in bytes.
        bound: usize,
    },
    /// The database could not be read; the agent retries.
    SyncFailed {
        /// The reason, for people.
        reason: String,
    },
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("events", &self.events)
            .field("waiting_bytes", &self.block.len())
            .finish()
    }
}

impl Output {
    /// Writes notices, and events if `events`, to `writer`, from a separate thread.
    ///
    /// # Panics
    /// If the operating system cannot start a thread.
    #[must_use]
    pub fn new(writer: Box<dyn Write + Send>, events: bool) -> Self {
        // `put` never drops, and `offer` is not used here, so there are no drops to report.
        Self::through(WriteQueue::new(writer, QUEUE_BYTES, |_| {}), events)
    }

    /// Writes to the stdout of this process.
    #[must_use]
    pub fn stdout(events: bool) -> Self {
        Self::through(WriteQueue::stdout(), events)
    }

    /// Writes nothing; for an embedded agent.
    #[must_use]
    pub fn none() -> Self {
        Self { queue: None, events: false, stamps: false, block: Vec::new() }
    }

    fn through(queue: WriteQueue, events: bool) -> Self {
        let block = Vec::with_capacity(BLOCK_BYTES);
        Self { queue: Some(Arc::new(queue)), events, stamps: false, block }
    }

    /// Sets whether the lines of events contain their stamps.
    #[must_use]
    pub fn with_stamps(self, stamps: bool) -> Self {
        Self { stamps, ..self }
    }

    /// The queue of the writing thread.
    pub(crate) fn queue(&self) -> Option<Arc<WriteQueue>> {
        self.queue.clone()
    }

    /// Adds an event. Waits for room if the block is full and the reader does not read.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the reader has gone, [`ErrorKind::Unavailable`] for other write errors.
    ///
    /// # Cancel safety
    /// If the future is dropped, the event is in the block.
    pub async fn event(&mut self, change: &Change) -> Result<()> {
        if !self.events || self.queue.is_none() {
            return Ok(());
        }
        change.append_line(&mut self.block, self.stamps)?;
        self.end_line().await
    }

    /// Adds a notice of the driver.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub async fn notice(&mut self, notice: &Notice) -> Result<()> {
        self.serialized(notice).await
    }

    /// Adds a notice of the agent.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub async fn agent_notice(&mut self, notice: &AgentNotice) -> Result<()> {
        self.serialized(notice).await
    }

    /// Adds one line of JSON, without its newline.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub async fn line(&mut self, line: &[u8]) -> Result<()> {
        if self.queue.is_none() {
            return Ok(());
        }
        self.block.extend_from_slice(line);
        self.end_line().await
    }

    async fn end_line(&mut self) -> Result<()> {
        self.block.push(b'\n');
        if self.block.len() >= BLOCK_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Queues the collected lines; waits for room.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    ///
    /// # Cancel safety
    /// If the future is dropped, the block is kept for the next call.
    pub async fn flush(&mut self) -> Result<()> {
        let Some(queue) = self.queue.as_ref().filter(|_| !self.block.is_empty()) else { return Ok(()) };
        let accepted = queue.put(&self.block).await;
        self.block.clear();
        accepted.map_err(failure)
    }

    /// Queues the collected lines and waits until everything is written.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost.
    pub async fn written(&mut self) -> Result<()> {
        self.flush().await?;
        match &self.queue {
            Some(queue) => queue.written().await.map_err(failure),
            None => Ok(()),
        }
    }

    /// Waits until writing fails.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing changes.
    pub(crate) async fn failed(&self) -> Error {
        match &self.queue {
            Some(queue) => failure(queue.failed().await),
            None => pending().await,
        }
    }

    async fn serialized(&mut self, notice: &impl Serialize) -> Result<()> {
        let line = serde_json::to_vec(notice).map_err(|error| {
            Error::new(ErrorKind::Internal, "cannot encode a notice as JSON").with_source(error)
        })?;
        self.line(&line).await
    }
}

fn failure(error: std::io::Error) -> Error {
    match error.kind() {
        IoErrorKind::BrokenPipe => Error::new(ErrorKind::Closed, "the reader of the output has gone"),
        _ => Error::new(ErrorKind::Unavailable, "cannot write the output").with_source(error),
    }
}
