use std::time::Duration;

use bytes::Bytes;
use pubsub_api::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

/// The report of a program in the database: Dragonflow's row of table `service`, with its fields
/// (docs/dragonflow.md#publisher-service).
///
/// ```
/// use northbound::ServiceRow;
/// use std::time::Duration;
///
/// let seconds = Duration::from_secs;
/// let row = ServiceRow::new("compute-1", "skimmer-subscriber-agent", "agent-a", seconds(1000));
/// assert_eq!(ServiceRow::parse(&row.to_json())?, row);
/// assert!(row.is_up(seconds(1080), seconds(80)));
/// assert!(!row.is_up(seconds(1081), seconds(80)));
///
/// let other = ServiceRow::new("compute-1", "skimmer-subscriber-agent", "agent-b", seconds(1000));
/// assert_ne!(row.id, other.id, "two programs of one name on one host have two rows");
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceRow {
    /// The id of the program; the key of the row.
    pub id: String,
    /// The name of its host.
    pub chassis: String,
    /// Its name, such as `skimmer-publisher-service`; Dragonflow's begin with `df-`.
    pub binary: String,
    /// The time of its last report, by the wall clock of its host, since 1970.
    pub last_seen_up: Duration,
    /// Whether the program is marked as not to be used. Skimmer neither sets nor reads it.
    pub disabled: bool,
    /// The reason of `disabled`.
    pub disabled_reason: Option<String>,
}

/// The table.
pub const SERVICE_TABLE: &str = "service";

/// The namespace of the ids: uuid5 of `service.skimmer` in the namespace of DNS names (RFC 9562, 6.6).
const NAMESPACE: Uuid = uuid!("e6ee362d-431f-54db-bbc9-d28023f9beef");

impl ServiceRow {
    /// The row of a program that is alive at `now`. `identity` distinguishes it from others of the same name on the same
    /// host, as `publisher_id` does, and stays the same over a restart. Dragonflow's had none, and one row for two
    /// (docs/dragonflow.md#d11).
    #[must_use]
    pub fn new(chassis: &str, binary: &str, identity: &str, now: Duration) -> Self {
        // None of the three contains NUL.
        let name = [chassis, binary, identity].join("\0");
        Self {
            id: Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string(),
            chassis: chassis.to_owned(),
            binary: binary.to_owned(),
            last_seen_up: now,
            disabled: false,
            disabled_reason: None,
        }
    }

    /// The value of its row.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        let Self { id, chassis, binary, last_seen_up, disabled, disabled_reason } = self;
        let row = json!({
            "id": id,
            "chassis": chassis,
            "binary": binary,
            "last_seen_up": last_seen_up.as_secs_f64(),
            "disabled": disabled,
            "disabled_reason": disabled_reason,
        });
        Bytes::from(row.to_string())
    }

    /// Parses a row. Additional fields are ignored, a missing time means long ago, and a missing `disabled` means false.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is not an object with `id`, `chassis` and `binary`, or its time is invalid.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let wrong =
            |what: &str| Error::new(ErrorKind::Invalid, format!("a row of table {SERVICE_TABLE}: {what}"));
        let row: Value =
            serde_json::from_slice(json).map_err(|error| wrong("it is not JSON").with_source(error))?;
        let text = |name: &str| {
            let text = row.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(|| wrong(&format!("it has no `{name}`")))
        };
        let last_seen_up = match row.get("last_seen_up") {
            None | Some(Value::Null) => Some(Duration::ZERO),
            Some(time) => time.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        };
        Ok(Self {
            id: text("id")?,
            chassis: text("chassis")?,
            binary: text("binary")?,
            last_seen_up: last_seen_up.ok_or_else(|| wrong("its `last_seen_up` is not a valid time"))?,
            disabled: row.get("disabled").and_then(Value::as_bool).unwrap_or(false),
            disabled_reason: row.get("disabled_reason").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// Whether its last report is at most `down_time` (`service_down_time`) before `now`. A program whose clock is ahead of ours
    /// is up.
    #[must_use]
    pub fn is_up(&self, now: Duration, down_time: Duration) -> bool {
        now.saturating_sub(self.last_seen_up) <= down_time
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::{NAMESPACE, ServiceRow};

    fn row(chassis: &str, binary: &str, identity: &str) -> ServiceRow {
        ServiceRow::new(chassis, binary, identity, Duration::from_secs(1_500_000_000))
    }

    #[test]
    fn a_row_equals_dragonflows_and_parses_back() {
        let row = row("host-1", "skimmer-publisher-service", "a");
        let rest = r#""chassis":"host-1","binary":"skimmer-publisher-service","last_seen_up":1500000000.0,"disabled":false,"disabled_reason":null}"#;
        assert_eq!(row.to_json(), format!("{{\"id\":\"{}\",{rest}", row.id));
        assert_eq!(ServiceRow::parse(&row.to_json()).unwrap(), row);
        let disabled = ServiceRow { disabled: true, disabled_reason: Some("repair".to_owned()), ..row };
        assert_eq!(ServiceRow::parse(&disabled.to_json()).unwrap(), disabled);
    }

    #[test]
    fn an_id_depends_only_on_host_program_and_identity() {
        assert_eq!(NAMESPACE, Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"service.skimmer"));
        let rows = [("h", "b", "i"), ("h2", "b", "i"), ("h", "b2", "i"), ("h", "b", "i2"), ("hb", "", "i")];
        let mut ids: Vec<String> = rows.iter().map(|(host, binary, id)| row(host, binary, id).id).collect();
        assert_eq!(ids[0], row("h", "b", "i").id);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), rows.len());
    }

    #[test]
    fn a_program_that_reported_within_the_time_is_up() {
        let row = row("h", "b", "i");
        for (after, up) in [(0, true), (80, true), (81, false)] {
            let now = row.last_seen_up + Duration::from_secs(after);
            assert_eq!(row.is_up(now, Duration::from_secs(80)), up, "{after}");
        }
        assert!(row.is_up(Duration::ZERO, Duration::from_secs(80)), "a clock that is ahead");
    }

    #[test]
    fn a_row_without_a_field_or_a_valid_time_is_invalid() {
        for bad in [
            &br#"{"id":"a","chassis":"h"}"#[..],
            br#"{"id":"a","binary":"b"}"#,
            br#"{"chassis":"h","binary":"b"}"#,
            br#"{"id":"a","chassis":"h","binary":"b","last_seen_up":"now"}"#,
            br#"{"id":"a","chassis":"h","binary":"b","last_seen_up":-1}"#,
            b"[]",
            b"junk",
        ] {
            assert!(ServiceRow::parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        let old = ServiceRow::parse(br#"{"id":"a","chassis":"h","binary":"df-x","more":1}"#).unwrap();
        assert!(!old.is_up(Duration::from_secs(1_500_000_000), Duration::from_secs(80)));
    }
}
