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
        let replica = |table: &str| self.replicas.get(&stream(table)).filter(|one| one.is_live());
        let (Some(p), Some(q)) = (replica("p"), replica("q")) else { return };
        let is_of_epochs =
            |[of_p, of_q]: &&[Position; 2]| (of_p.epoch, of_q.epoch) == (p.position.epoch, q.position.epoch);
        for [of_p, of_q] in commits.iter().filter(is_of_epochs) {
            let are_visible = (*of_p <= p.position, *of_q <= q.position);
            let place = format!("p is at {}, q at {}", p.position, q.position);
            assert_eq!(are_visible.0, are_visible.1, "atomic: commit {of_p} of p and {of_q} of q: {place}");
        }
    }
}
