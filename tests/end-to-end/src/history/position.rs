use std::fmt;

use serde_json::Value;

/// A position in the stream of one publisher and topic. Sequence numbers continue from one epoch to the next, unless a notice
/// reports otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) epoch: u64,
    pub(super) number: u64,
}

impl Position {
    /// The position in a stamp as the programs write it.
    pub(super) fn of(stamp: &Value) -> Option<Self> {
        Some(Self { epoch: stamp["epoch"].as_u64()?, number: stamp["sequence"].as_u64()? })
    }

    pub(super) fn pair(self) -> (u64, u64) {
        (self.epoch, self.number)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of epoch {}", self.number, self.epoch)
    }
}
