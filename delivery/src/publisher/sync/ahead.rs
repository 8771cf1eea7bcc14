/// The rest of the work of the thread that reads the ring for snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ahead {
    /// Nothing, until more is published.
    Nothing,
    /// A part, between rests.
    Some,
    /// So much that the thread does not rest.
    Much,
}
