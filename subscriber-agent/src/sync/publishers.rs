use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use northbound::{Leases, PUBLISHER_TABLE, PublisherRow};
use pubsub_api::{Action, Event, Value};

/// The publisher addresses from the directory. No clock, no I/O.
///
/// - If the address of a publisher changes, the agent uses the new one and drops the old one at once
///   (docs/dragonflow.md#d23).
/// - A lease expires when its row has not changed for `publisher_timeout` on this host's clock ([`Leases`]).
/// - A publisher that was removed, or whose lease has expired, is dropped `publisher_timeout` later, unless it is back in the
///   directory or still connected (docs/dragonflow.md#d6: a removal names only the id, so addresses are stored by id).
#[derive(Debug)]
pub(crate) struct Publishers {
    timeout: Duration,
    leases: Leases,
    known: BTreeMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    uri: String,
    /// When to drop it, if it is not in the directory any more.
    drop_at: Option<Instant>,
}

impl Publishers {
    /// No publishers yet; `timeout` is `publisher_timeout`.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, leases: Leases::new(timeout), known: BTreeMap::new() }
    }

    /// Applies a read of the directory.
    pub(crate) fn on_directory(&mut self, rows: Vec<PublisherRow>, now: Instant) {
        self.leases.listed(&rows, now);
        let mut current = BTreeSet::new();
        for row in rows {
            if !self.leases.is_over(&row.id, now) {
                current.insert(row.id.clone());
                self.set_address(row);
            }
        }
        for (id, known) in &mut self.known {
            if !current.contains(id) {
                known.drop_at.get_or_insert(now + self.timeout);
            }
        }
    }

    /// Applies an event. Returns whether it was about a publisher.
    pub(crate) fn on_event(&mut self, event: &Event, now: Instant) -> bool {
        let (Some(PUBLISHER_TABLE), Some(id)) = (event.table.as_deref(), &event.key) else { return false };
        match (&event.action, &event.value) {
            (Action::Delete, _) => {
                if let Some(known) = self.known.get_mut(id) {
                    known.drop_at.get_or_insert(now + self.timeout);
                }
            }
            (_, Value::Text(json)) => match PublisherRow::parse(json.as_bytes()) {
                Ok(row) if row.id == *id => self.set_address(row),
                _ => return false,
            },
            _ => return false,
        }
        true
    }

    fn set_address(&mut self, row: PublisherRow) {
        self.known.insert(row.id, Known { uri: row.uri, drop_at: None });
    }

    /// When to call [`drop_expired`](Self::drop_expired).
    pub(crate) fn due(&self) -> Option<Instant> {
        self.known.values().filter_map(|known| known.drop_at).min()
    }

    /// Drops the publishers whose timeout is over. A publisher that is connected (`is_connected`) gets another timeout.
    pub(crate) fn drop_expired(&mut self, now: Instant, is_connected: impl Fn(&str) -> bool) {
        let timeout = self.timeout;
        self.known.retain(|_, known| match known.drop_at {
            Some(at) if at <= now && !is_connected(&known.uri) => false,
            Some(at) if at <= now => {
                known.drop_at = Some(now + timeout);
                true
            }
            _ => true,
        });
    }

    /// The addresses of the publishers.
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
    fn a_removed_publisher_is_dropped_after_its_timeout_unless_it_comes_back() {
        let now = Instant::now();
        let mut publishers = Publishers::new(TIMEOUT);
        publishers.on_directory(vec![row("a", "tcp://a:1"), row("b", "tcp://b:1")], now);
        assert!(publishers.on_event(&event(Action::Delete, "a", None), now));
        assert!(publishers.on_event(&event(Action::Delete, "b", None), now));
        publishers.drop_expired(now + TIMEOUT - Duration::from_millis(1), |_| false);
        assert_eq!(endpoints(&publishers), ["tcp://a:1", "tcp://b:1"]);
        publishers.on_directory(vec![row("a", "tcp://a:1")], now);
        assert_eq!(publishers.due(), Some(now + TIMEOUT));
        publishers.drop_expired(now + TIMEOUT, |_| false);
        assert_eq!((endpoints(&publishers), publishers.due()), (vec!["tcp://a:1".to_owned()], None));
    }

    #[test]
    fn a_removed_publisher_that_is_still_connected_is_not_dropped() {
        let now = Instant::now();
        let mut publishers = Publishers::new(TIMEOUT);
        publishers.on_directory(vec![row("a", "tcp://a:1")], now);
        publishers.on_directory(Vec::new(), now);
        publishers.drop_expired(now + TIMEOUT, |uri| uri == "tcp://a:1");
        assert_eq!((publishers.due(), endpoints(&publishers).len()), (Some(now + TIMEOUT * 2), 1));
    }

    #[test]
    fn a_changed_address_is_followed_at_once() {
        let now = Instant::now();
        let mut publishers = Publishers::new(TIMEOUT);
        publishers.on_directory(vec![row("a", "tcp://a:1")], now);
        assert!(publishers.on_event(&event(Action::Set, "a", Some(&row("a", "tcp://a:2"))), now));
        assert_eq!(endpoints(&publishers), ["tcp://a:2"]);
    }

    #[test]
    fn a_row_that_does_not_change_for_the_timeout_counts_as_removed_whatever_time_it_contains() {
        for clock in [WALL - HOUR, WALL, WALL + HOUR] {
            let now = Instant::now();
            let mut publishers = Publishers::new(TIMEOUT);
            let row = PublisherRow { last_activity: clock, ..row("a", "tcp://a:1") };
            publishers.on_directory(vec![row.clone()], now);
            publishers.on_directory(vec![row.clone()], now + TIMEOUT);
            assert_eq!((endpoints(&publishers).len(), publishers.due()), (1, None), "{clock:?}");
            let late = now + TIMEOUT + Duration::from_secs(1);
            publishers.on_directory(vec![row.clone()], late);
            assert_eq!((endpoints(&publishers).len(), publishers.due()), (1, Some(late + TIMEOUT)));
            let renewed = PublisherRow { last_activity: clock + Duration::from_secs(1), ..row };
            publishers.on_directory(vec![renewed], late);
            assert_eq!((endpoints(&publishers).len(), publishers.due()), (1, None), "the lease is renewed");
        }
    }

    #[test]
    fn an_event_that_is_not_a_valid_publisher_row_changes_nothing() {
        let now = Instant::now();
        let mut publishers = Publishers::new(TIMEOUT);
        for event in [
            event(Action::Create, "b", Some(&row("a", "tcp://a:1"))),
            event(Action::Set, "a", None),
            Event::new(PUBLISHER_TABLE, "a", Action::Set, "{}", SEND_ALL),
            Event::new("lport", "a", Action::Set, "{}", SEND_ALL),
        ] {
            assert!(!publishers.on_event(&event, now), "{event:?}");
        }
        assert!(endpoints(&publishers).is_empty());
    }
}
