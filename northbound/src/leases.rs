use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::PublisherRow;

/// Decides which publishers of the directory are silent for too long, from the view of one reader. It has no clock: the time
/// is an argument.
///
/// A lease is over when its row has not changed for the timeout on the reader's own clock, counted from when the reader first
/// saw it in this state. The time in the row is from its publisher's clock, which may differ from the reader's by any amount:
/// only its changes count.
///
/// ```
/// use northbound::{Leases, PublisherRow};
/// use std::time::{Duration, Instant};
///
/// let seconds = Duration::from_secs;
/// let row = PublisherRow { id: "api-1".to_owned(), uri: "tcp://192.0.2.1:8866".to_owned(), last_activity: seconds(50) };
/// let (mut leases, start) = (Leases::new(seconds(300)), Instant::now());
/// leases.listed([&row], start);
/// assert!(!leases.is_over("api-1", start + seconds(300)));
/// assert!(leases.is_over("api-1", start + seconds(301)), "the row has not changed for longer than the timeout");
///
/// let renewed = PublisherRow { last_activity: seconds(51), ..row };
/// leases.listed([&renewed], start + seconds(200));
/// assert!(!leases.is_over("api-1", start + seconds(301)));
/// assert!(!leases.is_over("api-2", start), "a publisher that was never listed has no lease");
/// ```
#[derive(Debug)]
pub struct Leases {
    timeout: Duration,
    seen: HashMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    row: PublisherRow,
    since: Instant,
}

impl Leases {
    /// For a reader that has not read yet; `timeout` is `publisher_timeout`.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, seen: HashMap::new() }
    }

    /// Records that the directory holds exactly these rows. A row that is missing is forgotten; if it returns, its time starts
    /// again.
    pub fn listed<'a>(&mut self, rows: impl IntoIterator<Item = &'a PublisherRow>, now: Instant) {
        let mut ids = HashSet::new();
        for row in rows {
            ids.insert(row.id.as_str());
            let is_unchanged = self.seen.get(&row.id).is_some_and(|seen| seen.row == *row);
            if !is_unchanged {
                self.seen.insert(row.id.clone(), Seen { row: row.clone(), since: now });
            }
        }
        self.seen.retain(|id, _| ids.contains(id.as_str()));
    }

    /// Whether the lease of this publisher is over.
    #[must_use]
    pub fn is_over(&self, id: &str, now: Instant) -> bool {
        let silent = |seen: &Seen| now.saturating_duration_since(seen.since);
        self.seen.get(id).is_some_and(|seen| silent(seen) > self.timeout)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Leases;
    use crate::PublisherRow;

    const TIMEOUT: Duration = Duration::from_secs(300);

    fn row(id: &str, clock: u64) -> PublisherRow {
        let (id, uri) = (id.to_owned(), "tcp://x:1".to_owned());
        PublisherRow { id, uri, last_activity: Duration::from_secs(clock) }
    }

    #[test]
    fn a_lease_is_over_when_its_row_is_unchanged_for_the_timeout_whatever_time_it_holds() {
        for clock in [0, 1_000, 1_800_000_000, 4_000_000_000] {
            let (mut leases, start) = (Leases::new(TIMEOUT), Instant::now());
            leases.listed([&row("a", clock), &row("b", clock)], start);
            assert!(!leases.is_over("a", start + TIMEOUT));
            let renewed_at = start + Duration::from_secs(200);
            leases.listed([&row("a", clock + 1), &row("b", clock)], renewed_at);
            let late = start + Duration::from_secs(301);
            leases.listed([&row("a", clock + 1), &row("b", clock)], late);
            assert_eq!((leases.is_over("a", late), leases.is_over("b", late)), (false, true), "{clock}");
            assert!(leases.is_over("a", renewed_at + Duration::from_secs(301)));
        }
    }

    #[test]
    fn a_row_that_returns_and_a_row_whose_clock_went_back_count_as_changed() {
        let (mut leases, start) = (Leases::new(TIMEOUT), Instant::now());
        leases.listed([&row("a", 1000)], start);
        leases.listed([], start + TIMEOUT);
        leases.listed([&row("a", 1000)], start + TIMEOUT);
        assert!(!leases.is_over("a", start + TIMEOUT * 2));
        leases.listed([&row("a", 10)], start + TIMEOUT * 2);
        assert!(!leases.is_over("a", start + TIMEOUT * 3));
        assert!(!leases.is_over("unknown", start + TIMEOUT * 9));
    }
}
