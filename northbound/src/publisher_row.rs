use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Value, json};

/// A publisher in the directory: Dragonflow's row of table `publisher`, with exactly its three fields; Dragonflow's readers
/// refuse others (docs/dragonflow.md#rules-for-peers-of-dragonflow).
///
/// ```
/// use northbound::PublisherRow;
/// use std::time::Duration;
///
/// let json = br#"{"id": "api-1", "uri": "tcp://192.0.2.1:8866", "last_activity_timestamp": 1795262492.5}"#;
/// let row = PublisherRow::parse(json)?;
/// assert_eq!(row.last_activity, Duration::from_millis(1_795_262_492_500));
/// assert_eq!(PublisherRow::parse(&row.to_json())?, row);
/// assert!(row.is_stale(row.last_activity + Duration::from_secs(301), Duration::from_secs(300)));
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PublisherRow {
    /// The publisher's id; the key of the row.
    pub id: String,
    /// The address of the publisher, such as `tcp://192.0.2.1:8866`.
    pub uri: String,
    /// The time of its last renewal, by the wall clock of its host, since 1970.
    pub last_activity: Duration,
}

/// The table.
pub const PUBLISHER_TABLE: &str = "publisher";

impl PublisherRow {
    /// The value of its row.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        let Self { id, uri, last_activity } = self;
        let seconds = last_activity.as_secs_f64();
        Bytes::from(json!({"id": id, "uri": uri, "last_activity_timestamp": seconds}).to_string())
    }

    /// Parses a row. Additional fields are ignored, and a missing time means long ago.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is not an object with an `id` and a `uri`, or its time is invalid.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let wrong =
            |what: &str| Error::new(ErrorKind::Invalid, format!("a row of table {PUBLISHER_TABLE}: {what}"));
        let row: Value =
            serde_json::from_slice(json).map_err(|error| wrong("it is not JSON").with_source(error))?;
        let text = |name: &str| row.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let id = text("id").ok_or_else(|| wrong("it has no `id`"))?;
        let uri = text("uri").ok_or_else(|| wrong("it has no `uri`"))?;
        let last_activity = match row.get("last_activity_timestamp") {
            None | Some(Value::Null) => Some(Duration::ZERO),
            Some(time) => time.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        };
        let last_activity =
            last_activity.ok_or_else(|| wrong("its `last_activity_timestamp` is not a valid time"))?;
        Ok(Self { id: id.to_owned(), uri: uri.to_owned(), last_activity })
    }

    /// Whether its last renewal is longer ago than `timeout` at `now`, if the clock of its host equals ours: an estimate for
    /// display, by a reader that reads only once. To act on it, observe the row instead ([`Leases`](crate::Leases)).
    #[must_use]
    pub fn is_stale(&self, now: Duration, timeout: Duration) -> bool {
        now.saturating_sub(self.last_activity) > timeout
    }

    /// The wall clock, as the time since 1970.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "rows have wall-clock times, which other hosts read")]
    pub fn now() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::PublisherRow;

    #[test]
    fn a_row_equals_dragonflows_and_parses_back() {
        let row = PublisherRow {
            id: "a".to_owned(),
            uri: "tcp://192.0.2.1:8866".to_owned(),
            last_activity: Duration::from_millis(1_500_000_000_250),
        };
        let json = row.to_json();
        assert_eq!(
            json,
            r#"{"id":"a","uri":"tcp://192.0.2.1:8866","last_activity_timestamp":1500000000.25}"#
        );
        assert_eq!(PublisherRow::parse(&json).unwrap(), row);
    }

    #[test]
    fn a_row_without_time_is_stale_and_one_without_address_is_invalid() {
        let timeout = Duration::from_secs(300);
        let old = PublisherRow::parse(br#"{"id": "a", "uri": "tcp://x:1", "name": "more"}"#).unwrap();
        assert!(old.is_stale(PublisherRow::now(), timeout));
        for bad in [
            &br#"{"id": "a"}"#[..],
            br#"{"uri": "tcp://x:1"}"#,
            br#"{"id": "", "uri": "tcp://x:1"}"#,
            br#"{"id": "a", "uri": "tcp://x:1", "last_activity_timestamp": "now"}"#,
            br#"{"id": "a", "uri": "tcp://x:1", "last_activity_timestamp": -1}"#,
            b"[]",
            b"",
        ] {
            assert!(PublisherRow::parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn a_lease_ends_after_its_time_and_never_by_a_clock_that_is_ahead() {
        let at = Duration::from_secs(1000);
        let row = PublisherRow { id: "a".to_owned(), uri: "tcp://x:1".to_owned(), last_activity: at };
        for (now, stale) in [(900, false), (1300, false), (1301, true)] {
            assert_eq!(row.is_stale(Duration::from_secs(now), Duration::from_secs(300)), stale, "{now}");
        }
    }
}
