use std::fmt;

/// How far a subscriber is on one topic of one publisher: up to the event with this sequence.
///
/// Positions are ordered: a later epoch is further, whatever the sequence. Sequences continue from one epoch to the next if the
/// publisher remembers the last one (in its ring), and begin at 1 if not. Sequence 0 is the position of a subscriber that has
/// no event and knows of that epoch.
///
/// ```
/// use delivery::Position;
///
/// let last_of_first_run = Position { epoch: 1, sequence: 900 };
/// let first_of_second_run = Position { epoch: 2, sequence: 1 };
/// assert!(first_of_second_run > last_of_first_run);
/// assert!(Position::NONE < last_of_first_run);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Position {
    /// The publisher's epoch.
    pub epoch: u64,
    /// The sequence of the last event.
    pub sequence: u64,
}

impl Position {
    /// The position of a subscriber that has no event and knows of no epoch.
    pub const NONE: Self = Self { epoch: 0, sequence: 0 };

    /// Whether `number` is the next sequence; nothing follows the highest one.
    pub(crate) fn is_before(self, number: u64) -> bool {
        self.sequence.checked_add(1) == Some(number)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "number {} of epoch {}", self.sequence, self.epoch)
    }
}
