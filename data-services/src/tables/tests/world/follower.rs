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
    /// Whether p and q had the same last commit, and no snapshot since.
    pub(super) is_aligned: bool,
    /// From when on each topic reaches it.
    pub(super) topics: BTreeMap<StreamName, Duration>,
}

impl Follower {
    /// Each commit writes its number into both tables, with key 0.
    pub(super) fn check_commits(&mut self) {
        let commit = |replica: &Replica| {
            let rows = replica.rows.iter().map(|row| row.get::<(u64, u64)>().unwrap());
            rows.filter(|(key, _)| *key == 0).map(|(_, value)| value).next()
        };
        let [p, q] = ["p", "q"].map(|table| self.replicas.get(&stream(table)).and_then(commit));
        let had_snapshot =
            self.replicas.values().any(|replica| replica.updates.last().is_some_and(|last| last.is_snapshot));
        assert!(!self.is_aligned || had_snapshot || p == q, "atomic: p has commit {p:?}, q {q:?}");
        self.is_aligned = p.is_some() && p == q;
    }
}
