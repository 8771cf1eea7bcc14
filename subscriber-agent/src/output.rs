use std::io::{ErrorKind as IoErrorKind, Write};

use pubsub_api::{Error, ErrorKind, Notice, Result};
use serde::Serialize;

use crate::{Change, HandlerFailure, HandlerGap};

/// Writes events and notices as JSON lines, in the order in which they came.
///
/// Lines are collected and written in blocks: [`flush`](Output::flush) when nothing more is at hand, so that a single
/// event is out at once and a flood costs few system calls.
pub struct Output {
    writer: Box<dyn Write + Send>,
    events: bool,
    stamps: bool,
    block: Vec<u8>,
}

/// The size, in bytes, at which a block is written without waiting for a pause; the pipe's own default.
const BLOCK_BYTES: usize = 64 * 1024;

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
    /// Writes notices, and events if `events`, to `writer`.
    #[must_use]
    pub fn new(writer: Box<dyn Write + Send>, events: bool) -> Self {
        Self { writer, events, stamps: false, block: Vec::with_capacity(BLOCK_BYTES) }
    }

    /// Whether the lines of events have their stamps.
    #[must_use]
    pub fn with_stamps(self, stamps: bool) -> Self {
        Self { stamps, ..self }
    }

    /// Writes nothing at all: for embedding.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Box::new(std::io::sink()), false)
    }

    /// Adds an event.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the reader is gone, [`ErrorKind::Unavailable`] if writing fails otherwise.
    pub fn event(&mut self, change: &Change) -> Result<()> {
        if !self.events {
            return Ok(());
        }
        let line = change.to_line(self.stamps)?;
        self.line(line.as_bytes())
    }

    /// Adds a driver's notice.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn notice(&mut self, notice: &Notice) -> Result<()> {
        self.serialized(notice)
    }

    /// Adds a notice of the agent's own.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn agent_notice(&mut self, notice: &AgentNotice) -> Result<()> {
        self.serialized(notice)
    }

    /// Adds one line that is JSON already.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn line(&mut self, line: &[u8]) -> Result<()> {
        self.block.extend_from_slice(line);
        self.block.push(b'\n');
        if self.block.len() >= BLOCK_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes what was collected.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn flush(&mut self) -> Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let written = self.writer.write_all(&self.block).and_then(|()| self.writer.flush());
        self.block.clear();
        written.map_err(|error| match error.kind() {
            IoErrorKind::BrokenPipe => Error::new(ErrorKind::Closed, "nobody reads the output any more"),
            _ => Error::new(ErrorKind::Unavailable, "cannot write the output").with_source(error),
        })
    }

    fn serialized(&mut self, notice: &impl Serialize) -> Result<()> {
        let line = serde_json::to_vec(notice).map_err(|error| {
            Error::new(ErrorKind::Internal, "cannot write a notice as JSON").with_source(error)
        })?;
        self.line(&line)
    }
}
