use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use northbound::{Leases, PUBLISHER_TABLE, PublisherRow};
use pubsub_api::{Action, Event, Value};

/// Where the directory says that publishers are. No clock, no I/O.
///
/// - A publisher that has another address than before is followed to it, and the old one is left at once
///   (docs/dragonflow.md#d23).
/// - A lease is over when its row has not changed for `publisher_timeout` on this host's clock ([`Leases`]).
/// - One that was removed, or whose lease is over, is left `publisher_timeout` later (docs/dragonflow.md#d6: its removal
///   names only its id, so ids are remembered with their addresses), unless it is there again, or still speaks to us.
#[derive(Debug)]
pub(crate) struct Publishers {
    timeout: Duration,
    leases: Leases,
    known: BTreeMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    uri: String,
    /// When to leave it, if it is not in the directory any more.
    leave_at: Option<Instant>,
}

impl Publishers {
    /// None yet; `timeout` is `publisher_timeout`.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, leases: Leases::new(timeout), known: BTreeMap::new() }
    }

    /// The directory was read.
    pub(crate) fn listed(&mut self, rows: Vec<PublisherRow>, now: Instant) {
        self.leases.listed(&rows, now);
        let mut current = BTreeSet::new();
        for row in rows {
            if !self.leases.is_over(&row.id, now) {
                current.insert(row.id.clone());
                self.is_at(row);
            }
        }
        for (id, known) in &mut self.known {
            if !current.contains(id) {
                known.leave_at.get_or_insert(now + self.timeout);
            }
        }
    }

    /// An event came; whether it was about a publisher.
    pub(crate) fn told(&mut self, event: &Event, now: Instant) -> bool {
        let (Some(PUBLISHER_TABLE), Some(id)) = (event.table.as_deref(), &event.key) else { return false };
        match (&event.action, &event.value) {
            (Action::Delete, _) => {
                if let Some(known) = self.known.get_mut(id) {
                    known.leave_at.get_or_insert(now + self.timeout);
                }
            }
            (_, Value::Text(json)) => match PublisherRow::parse(json.as_bytes()) {
                Ok(row) if row.id == *id => self.is_at(row),
                _ => return false,
            },
            _ => return false,
        }
        true
    }

    fn is_at(&mut self, row: PublisherRow) {
        self.known.insert(row.id, Known { uri: row.uri, leave_at: None });
    }

    /// When [`leave_due`](Self::leave_due) has something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.known.values().filter_map(|known| known.leave_at).min()
    }

    /// Forgets those whose time has come; one that `speaks` at its address has as much time again.
    pub(crate) fn leave_due(&mut self, now: Instant, speaks: impl Fn(&str) -> bool) {
        let timeout = self.timeout;
        self.known.retain(|_, known| match known.leave_at {
            Some(at) if at <= now && !speaks(&known.uri) => false,
            Some(at) if at <= now => {
                known.leave_at = Some(now + timeout);
                true
            }
            _ => true,
        });
    }

    /// Where they are.
    pub(crate) fn endpoints(&self) -> BTreeSet<String> {
        self.known.values().map(|known| known.uri.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use northbound::{PUBLISHER_TABLE, PublisherRow};
    use pubsub_api::{Action, Event, SEND_ALL, Value};

    use super::Publishers;

    const TIMEOUT: Duration = Duration::from_secs(300);
    const WALL: Duration = Duration::from_secs(1_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn row(id: &str, uri: &str) -> PublisherRow {
        PublisherRow { id: id.to_owned(), uri: uri.to_owned(), last_activity: WALL }
    }

    fn event(action: Action, id: &str, row: Option<&PublisherRow>) -> Event {
        let value = row.map(|row| String::from_utf8(row.to_json().to_vec()).expect("text"));
        Event::new(PUBLISHER_TABLE, id, action, Value::from(value), SEND_ALL)
    }

    fn endpoints(publishers: &Publishers) -> Vec<String> {
        publishers.endpoints().into_iter().collect()
    }

    #[test]
    fn a_removed_publisher_is_left_after_its_timeout_unless_it_comes_back() {
        let now = Instant::now();
        let mut publishers = Publishers::new(TIMEOUT);
        publishers.listed(vec![row("a", "tcp://a:1"), row("b", "tcp://b:1")], now);
        assert!(publishers.told(&event(Action::Delete, "a", None), now));
        assert!(publishers.told(&event(Action::Delete, "b", None), now));
        publishers.leave_due(now + TIMEOUT - Duration::from_millis(1), |_| false);
        assert_eq!(endpoints(&publishers), ["tcp://a:1", "tcp://b:1"]);
        publishers.listed(vec![row("a", "tcp://a:1")], now);
        assert_eq!(publishers.due(), Some(now + TIMEOUT));
        publishers.leave_due(now + TIMEOUT, |_| false);
        assert_eq!((endpoints(&publishers), publishers.due()), (vec!["tcp://a:1".to_owned()], None));
    }

    #[test]
    fn a_publisher_that_still_speaks_is_not_left() {
        let now = Instant::now();
        let mut publishers = Publishers::new(TIMEOUT);
        publishers.listed(vec![row("a", "tcp://a:1")], now);
        publishers.listed(Vec::new(), now);
        publishers.leave_due(now + TIMEOUT, |uri| uri == "tcp://a:1");
        assert_eq!((publishers.due(), endpoints(&publishers).len()), (Some(now + TIMEOUT * 2), 1));
    }

    #[test]
    fn a_changed_address_is_followed_at_once() {
        let now = Instant::now();
        let mut publishers = Publishers::new(TIMEOUT);
        publishers.listed(vec![row("a", "tcp://a:1")], now);
        assert!(publishers.told(&event(Action::Set, "a", Some(&row("a", "tcp://a:2"))), now));
        assert_eq!(endpoints(&publishers), ["tcp://a:2"]);
    }

    #[test]
    fn a_row_that_does_not_change_for_long_is_one_that_is_removed_whatever_time_it_holds() {
        for clock in [WALL - HOUR, WALL, WALL + HOUR] {
            let now = Instant::now();
            let mut publishers = Publishers::new(TIMEOUT);
            let row = PublisherRow { last_activity: clock, ..row("a", "tcp://a:1") };
            publishers.listed(vec![row.clone()], now);
            publishers.listed(vec![row.clone()], now + TIMEOUT);
            assert_eq!((endpoints(&publishers).len(), publishers.due()), (1, None), "{clock:?}");
            let late = now + TIMEOUT + Duration::from_secs(1);
            publishers.listed(vec![row.clone()], late);
            assert_eq!((endpoints(&publishers).len(), publishers.due()), (1, Some(late + TIMEOUT)));
            let renewed = PublisherRow { last_activity: clock + Duration::from_secs(1), ..row };
            publishers.listed(vec![renewed], late);
            assert_eq!((endpoints(&publishers).len(), publishers.due()), (1, None), "it is renewed");
        }
    }

    #[test]
    fn what_is_no_row_of_a_publisher_changes_nothing() {
        let now = Instant::now();
        let mut publishers = Publishers::new(TIMEOUT);
        for event in [
            event(Action::Create, "b", Some(&row("a", "tcp://a:1"))),
            event(Action::Set, "a", None),
            Event::new(PUBLISHER_TABLE, "a", Action::Set, "{}", SEND_ALL),
            Event::new("lport", "a", Action::Set, "{}", SEND_ALL),
        ] {
            assert!(!publishers.told(&event, now), "{event:?}");
        }
        assert!(endpoints(&publishers).is_empty());
    }
}
