//! Calls and their results. No clock, no I/O.

use serde::{Deserialize, Serialize};

/// What nodes send each other about calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum CallMessage {
    /// The caller waits no more for the call of this number.
    Cancel(u64),
}
