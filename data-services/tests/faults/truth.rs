use std::collections::BTreeMap;

use fastrand::Rng;
use tokio::time::Instant;

/// The rows of a table, by key. The row `version` holds the number of the version.
pub(crate) type Rows = BTreeMap<String, u64>;

/// The key of the row that holds the number of the version.
pub(crate) const VERSION: &str = "version";

/// One state of a table, from a time on.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) since: Instant,
    pub(crate) rows: Rows,
}

/// Everything that one publisher has published in one table, over all its restarts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    versions: Vec<Version>,
    /// Since when no instance of the publisher runs.
    pub(crate) ended: Option<Instant>,
}

impl Truth {
    /// The publisher starts, with an empty table.
    pub(crate) fn begin(&mut self) {
        self.ended = None;
        self.add(self.next_number(), Rows::new());
    }

    /// The publisher is about to publish rows; adds the row `version`.
    pub(crate) fn publish(&mut self, mut rows: Rows) -> Rows {
        let number = self.next_number();
        rows.insert(VERSION.to_owned(), number);
        self.add(number, rows.clone());
        rows
    }

    /// The publisher could not publish the latest version.
    pub(crate) fn withdraw(&mut self) {
        self.versions.pop();
    }

    fn add(&mut self, number: u64, rows: Rows) {
        self.versions.push(Version { number, since: Instant::now(), rows });
    }

    fn next_number(&self) -> u64 {
        self.versions.last().map_or(1, |last| last.number + 1)
    }

    pub(crate) fn latest(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// The number of the version at a time; 0 before the first.
    pub(crate) fn number_at(&self, time: Instant) -> u64 {
        self.versions.iter().rev().find(|version| version.since <= time).map_or(0, |version| version.number)
    }

    /// The last version from a number on that consists of these rows. Only empty tables can be several.
    pub(crate) fn find(&self, rows: &Rows, from: u64) -> Option<u64> {
        let mut later = self.versions.iter().rev().take_while(|version| version.number >= from);
        later.find(|version| version.rows == *rows).map(|version| version.number)
    }
}

/// Changes a few rows, deletes others; from a number.
pub(crate) fn edit(number: u64) -> impl Fn(&mut Rows) {
    move |rows| {
        let mut rng = Rng::with_seed(number);
        for _ in 0..rng.usize(1..5) {
            let key = format!("row {}", rng.u8(..30));
            if rng.u8(..3) == 0 {
                rows.remove(&key);
            } else {
                rows.insert(key, number);
            }
        }
    }
}
