use std::collections::BTreeMap;
use std::time::Duration;

use delivery::Position;
use serde_json::Value as Json;

use super::stream;
use crate::StreamName;
use crate::tables::FollowedTables;
use crate::tables::tests::replica::Replica;

/// A node that follows tables, and what an application made of their updates.
pub(in crate::tables::tests) struct Follower {
    pub(in crate::tables::tests) tables: FollowedTables,
    pub(in crate::tables::tests) replicas: BTreeMap<StreamName, Replica>,
    pub(in crate::tables::tests) raws: Vec<Json>,
    pub(in crate::tables::tests) refused: Vec<String>,
    /// The number of updates in each transaction.
    pub(in crate::tables::tests) transactions: Vec<Vec<(StreamName, Position)>>,
    /// From when on each topic reaches it.
    pub(super) topics: BTreeMap<StreamName, Duration>,
}

impl Follower {
    /// Every commit of p and q, at these positions, is visible in both or in none, while both tables are live.
    pub(super) fn check_commits(&self, commits: &[[Position; 2]]) {
        // Not that of the last update: a snapshot with the rows that were there is none.
        let position = |table: &str| {
            let is_live = self.replicas.get(&stream(table)).is_some_and(Replica::is_live);
            self.tables.rows(&stream(table)).filter(|_| is_live).map(|(position, _)| position)
        };
        let (Some(p), Some(q)) = (position("p"), position("q")) else { return };
        let is_of_epochs = |[of_p, of_q]: &&[Position; 2]| (of_p.epoch, of_q.epoch) == (p.epoch, q.epoch);
        for [of_p, of_q] in commits.iter().filter(is_of_epochs) {
            let are_visible = (*of_p <= p, *of_q <= q);
            let place = format!("p is at {p}, q at {q}");
            assert_eq!(are_visible.0, are_visible.1, "atomic: commit {of_p} of p and {of_q} of q: {place}");
        }
    }
}
