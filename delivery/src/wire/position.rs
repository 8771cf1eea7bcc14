use std::fmt;

/// How far someone is on one topic of one publisher: the event that was numbered so, and all before it.
///
/// Positions are ordered: a later epoch is further, whatever the number. Numbers go on from one epoch to the next where the
/// publisher remembers the last one (its ring file), and begin at 1 where it does not. Number 0 is of someone who has nothing,
/// and has heard of that epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Position {
    /// The publisher's incarnation.
    pub epoch: u64,
    /// The number of the last event.
    pub sequence: u64,
}

impl Position {
    /// Of someone who has nothing, and has heard of no epoch.
    pub const NONE: Self = Self { epoch: 0, sequence: 0 };

    /// Whether that number is the next; after the highest one there is none.
    pub(crate) fn is_before(self, number: u64) -> bool {
        self.sequence.checked_add(1) == Some(number)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "number {} of epoch {}", self.sequence, self.epoch)
    }
}
