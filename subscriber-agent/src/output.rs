use std::future::pending;
use std::io::{ErrorKind as IoErrorKind, Write};
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Notice, Result};
use serde::Serialize;
use service_kit::WriteQueue;

use crate::{Change, HandlerFailure, HandlerGap};

/// Writes events and notices as JSON lines, in the order in which they came.
///
/// Lines are collected in blocks, and blocks go through a bounded [`WriteQueue`] to a thread of their own:
/// [`flush`](Output::flush) when nothing more is at hand, so that a single event is out at once and a flood costs few
/// system calls. A reader that stops reading holds back the agent's events once the queue is full, and nothing else:
/// signals, heartbeats and the status socket are served.
pub struct Output {
    /// `None` if everything is discarded.
    queue: Option<Arc<WriteQueue>>,
    events: bool,
    stamps: bool,
    block: Vec<u8>,
}

/// The size, in bytes, at which a block is passed on without waiting for a pause; the pipe's own default.
const BLOCK_BYTES: usize = 64 * 1024;

/// The bound of what waits for the writing thread, in bytes.
const QUEUE_BYTES: usize = 1024 * 1024;

/// The agent's own notices, besides the driver's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum AgentNotice {
    /// The subscriptions are placed; connections are being made.
    Ready,
    /// A handler did not manage an event.
    HandlerFailed(HandlerFailure),
    /// A handler has missed events.
    HandlerGap(HandlerGap),
    /// The table was compared with the database, and is equal to it but for `kept` and `unconfirmed` rows; the differences
    /// stand before this, as events of origin `sync`.
    Synced {
        /// Why it was.
        reason: String,
        /// How many rows the database has for this agent.
        rows: usize,
        /// How many of the agent's rows were not those.
        differences: usize,
        /// How many differed because of an event that came meanwhile.
        kept: usize,
        /// The number of rows that the database does not have, and that stay until another reading agrees.
        unconfirmed: usize,
        /// How long it took, in milliseconds.
        took_ms: u64,
    },
    /// The database lacks so many of the agent's rows that it may have lost them. They stay until it has lacked them for
    /// `wait_ms`; a `synced` follows.
    SyncHeld {
        /// The number of rows that it lacks.
        absent: usize,
        /// The number of rows that the agent has.
        rows: usize,
        /// The least time from the first such reading to the one that deletes, in milliseconds.
        wait_ms: u64,
    },
    /// The database could not be read; it is tried again.
    SyncFailed {
        /// Why, in words.
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
    /// Writes notices, and events if `events`, to `writer`, from a thread of its own.
    ///
    /// # Panics
    /// If the operating system starts no thread.
    #[must_use]
    pub fn new(writer: Box<dyn Write + Send>, events: bool) -> Self {
        // Only lines that were offered are dropped, and none are offered here.
        Self::through(WriteQueue::new(writer, QUEUE_BYTES, |_| {}), events)
    }

    /// The same to the stdout of this process.
    #[must_use]
    pub fn stdout(events: bool) -> Self {
        Self::through(WriteQueue::stdout(), events)
    }

    /// Writes nothing at all: for embedding.
    #[must_use]
    pub fn none() -> Self {
        Self { queue: None, events: false, stamps: false, block: Vec::new() }
    }

    fn through(queue: WriteQueue, events: bool) -> Self {
        let block = Vec::with_capacity(BLOCK_BYTES);
        Self { queue: Some(Arc::new(queue)), events, stamps: false, block }
    }

    /// Whether the lines of events have their stamps.
    #[must_use]
    pub fn with_stamps(self, stamps: bool) -> Self {
        Self { stamps, ..self }
    }

    /// What waits for the writing thread.
    pub(crate) fn queue(&self) -> Option<Arc<WriteQueue>> {
        self.queue.clone()
    }

    /// Adds an event. Waits for room if a block is full and the reader does not read.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the reader is gone, [`ErrorKind::Unavailable`] if writing fails otherwise.
    ///
    /// # Cancel safety
    /// If the future is dropped, the event is in the block.
    pub async fn event(&mut self, change: &Change) -> Result<()> {
        if !self.events {
            return Ok(());
        }
        let line = change.to_line(self.stamps)?;
        self.line(line.as_bytes()).await
    }

    /// Adds a driver's notice.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub async fn notice(&mut self, notice: &Notice) -> Result<()> {
        self.serialized(notice).await
    }

    /// Adds a notice of the agent's own.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub async fn agent_notice(&mut self, notice: &AgentNotice) -> Result<()> {
        self.serialized(notice).await
    }

    /// Adds one line that is JSON already.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub async fn line(&mut self, line: &[u8]) -> Result<()> {
        if self.queue.is_none() {
            return Ok(());
        }
        self.block.extend_from_slice(line);
        self.block.push(b'\n');
        if self.block.len() >= BLOCK_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Passes on what was collected; waits for room.
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

    /// Passes on what was collected, and waits until all of it is written.
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
            Error::new(ErrorKind::Internal, "cannot write a notice as JSON").with_source(error)
        })?;
        self.line(&line).await
    }
}

fn failure(error: std::io::Error) -> Error {
    match error.kind() {
        IoErrorKind::BrokenPipe => Error::new(ErrorKind::Closed, "nobody reads the output any more"),
        _ => Error::new(ErrorKind::Unavailable, "cannot write the output").with_source(error),
    }
}
