//! Published and followed tables. No clock, no I/O.

use serde::{Deserialize, Serialize};

use crate::StreamName;

/// What nodes send each other about tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum TableMessage {
    /// The sender subscribes no more.
    Close(StreamName),
}
