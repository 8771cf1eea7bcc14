//! Who is on the bus, and what each node offers. No clock, no I/O.

use serde::{Deserialize, Serialize};

/// What nodes send each other about themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum MembershipMessage {
    /// The sender leaves the bus.
    Goodbye,
}
