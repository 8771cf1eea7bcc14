use std::cmp::Reverse;

use crate::PeerRow;

/// The peers of a program, for the status page.
///
/// ```
/// use operations::PeerList;
///
/// let list = PeerList::none("agents", "agents receive from the broker, and report nothing to this service");
/// assert!(list.rows.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerList {
    /// What they are: `agents` or `publishers`.
    pub kind: &'static str,
    /// What an operator should know about the list.
    pub note: &'static str,
    /// The peers.
    pub rows: Vec<PeerRow>,
}

/// The most peers that the page lists: the worst ones.
const MAX_PEERS_SHOWN: usize = 2000;

impl PeerList {
    /// A list without peers; `note` is the reason.
    #[must_use]
    pub fn none(kind: &'static str, note: &'static str) -> Self {
        Self { kind, note, rows: Vec::new() }
    }

    /// Sorts the worst first, and cuts the list where it is too long for a page.
    pub(super) fn cut(&mut self) {
        let worst_first = |row: &PeerRow| Reverse((row.condition, row.lag_seconds, row.lag_events));
        self.rows.sort_by(|one, other| {
            worst_first(one).cmp(&worst_first(other)).then_with(|| one.id.cmp(&other.id))
        });
        self.rows.truncate(MAX_PEERS_SHOWN);
    }
}
