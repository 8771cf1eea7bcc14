use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use serde_json::{Value, json};

/// The recorded day of a cloud, `etc/change-log.jsonl`: 6,095 events as Dragonflow published them.
///
/// # Panics
/// If the file is missing or damaged.
#[must_use]
pub fn change_log() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../etc/change-log.jsonl");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("an event a line")).collect()
}

/// An event as the programs read and write it; `null` for `value` is written `Value::Null`.
#[must_use]
pub fn event(table: &str, key: &str, action: &str, value: impl Into<Value>, topic: &str) -> Value {
    json!({ "table": table, "key": key, "action": action, "value": value.into(), "topic": topic })
}

/// Whether a line of an agent's output is an event and not a notice.
#[must_use]
pub fn is_event(line: &Value) -> bool {
    line.get("action").is_some()
}

/// The name of a notice, if the line is one.
#[must_use]
pub fn notice(line: &Value) -> Option<&str> {
    line.get("notice")?.as_str()
}

/// The row of an event: table and key.
#[must_use]
pub fn key_of(event: &Value) -> (String, String) {
    let text = |field: &str| event.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("table"), text("key"))
}

/// Events as a file of JSON lines.
#[must_use]
pub fn jsonl(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// Splits events among `count` workers, so that each row's events stay with one of them, in order.
#[must_use]
pub fn shards(events: &[Value], count: usize) -> Vec<Vec<Value>> {
    let worker_of = |event: &Value| {
        let mut hasher = DefaultHasher::new();
        key_of(event).hash(&mut hasher);
        usize::try_from(hasher.finish() % count as u64).unwrap_or_default()
    };
    (0..count)
        .map(|worker| events.iter().filter(|event| worker_of(event) == worker).cloned().collect())
        .collect()
}

/// The latest event of each row that exists.
pub type Fold = BTreeMap<(String, String), Value>;

/// The table after these events: `delete` removes a row, every other action sets it.
#[must_use]
pub fn fold(events: &[Value]) -> Fold {
    let mut rows = Fold::new();
    for event in events {
        if event["action"] == "delete" {
            rows.remove(&key_of(event));
        } else {
            rows.insert(key_of(event), event.clone());
        }
    }
    rows
}
