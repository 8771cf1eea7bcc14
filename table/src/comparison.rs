use std::collections::HashSet;
use std::time::Duration;

use pubsub_api::Event;

/// A comparison in progress.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// The time when reading began, by the table's clock.
    pub(crate) began: Duration,
    /// The rows that had an event since; at most [`MOST_TOUCHED`].
    pub(crate) touched: HashSet<(String, String)>,
}

/// The maximum number of rows that are noted; if more have events, every row counts as touched.
const MOST_TOUCHED: usize = 1_000_000;

impl Comparison {
    pub(crate) fn touch(&mut self, table: &str, key: &str) {
        if self.touched.len() < MOST_TOUCHED {
            self.touched.insert((table.to_owned(), key.to_owned()));
        }
    }

    pub(crate) fn is_touched(&self, row: &Event) -> bool {
        let (Some(table), Some(key)) = (&row.table, &row.key) else { return false };
        self.touched.len() >= MOST_TOUCHED || self.touched.contains(&(table.clone(), key.clone()))
    }
}
