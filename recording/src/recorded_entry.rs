use crate::RecordedItem;

/// An entry of a recording, and when it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEntry {
    /// When it arrived at the recorder, in nanoseconds since 1970.
    pub at_ns: u64,
    /// What arrived.
    pub entry: RecordedItem,
}
