use std::collections::BTreeMap;

use bytes::Bytes;
use pubsub_api::database::{Entry, RowPlace};
use pubsub_api::{Action, Error, ErrorKind, Event, SEND_ALL};
use uuid::Uuid;

use crate::Object;

/// The published state of one table: a digest of each row, not its value.
///
/// In memory it has the key and 16 bytes of each row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TableCopy {
    pub(crate) rows: BTreeMap<String, Digest>,
}

/// Distinguishes values: 122 bits of SHA-1, as in a uuid5.
pub(crate) type Digest = [u8; 16];

/// The rows of a table as a poll found them, one for each key: events identify a row by table and key only.
#[derive(Debug, Default)]
pub(crate) struct PolledRows {
    rows: BTreeMap<String, PolledRow>,
    /// The rows that are ignored, with the reason, for the log.
    pub(crate) unreadable: Vec<(String, Error)>,
}

/// A row that a poll found.
#[derive(Debug)]
enum PolledRow {
    Readable {
        value: Bytes,
        version: Option<u64>,
    },
    /// It exists, and is not an object.
    Unreadable,
}

/// A change to publish, and the digest that the copy has afterwards.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) event: Event,
    digest: Option<Digest>,
}

impl Change {
    /// The key of the row that it deletes.
    pub(crate) fn deleted_key(&self) -> Option<&str> {
        if self.digest.is_some() { None } else { self.event.key.as_deref() }
    }
}

impl PolledRows {
    /// Takes the rows in any order. If several rows have one key, on several topics, only the first counts: the one without
    /// topic, or else the one with the lowest topic.
    pub(crate) fn of(table: &str, mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|one, other| one.place.cmp(&other.place));
        let mut found = Self::default();
        for Entry { place: RowPlace { key, .. }, value } in entries {
            if found.rows.contains_key(&key) {
                let text = "a row of another topic has the same key, and events cannot distinguish them";
                found.unreadable.push((key, Error::new(ErrorKind::Invalid, text)));
                continue;
            }
            let row = match read(table, &key, &value) {
                Ok(version) => PolledRow::Readable { value, version },
                Err(error) => {
                    found.unreadable.push((key.clone(), error));
                    PolledRow::Unreadable
                }
            };
            found.rows.insert(key, row);
        }
        found
    }

    /// The copy that has all of these rows.
    pub(crate) fn to_copy(&self) -> TableCopy {
        let digest = |(key, row): (&String, &PolledRow)| match row {
            PolledRow::Readable { value, .. } => Some((key.clone(), digest(value))),
            PolledRow::Unreadable => None,
        };
        TableCopy { rows: self.rows.iter().filter_map(digest).collect() }
    }
}

impl TableCopy {
    /// The changes that bring subscribers from this copy to `found`: in the order of the keys, deletions last. A row that
    /// cannot be read stays as it is in the copy.
    pub(crate) fn changes(&self, table: &str, found: PolledRows) -> Vec<Change> {
        let PolledRows { rows, .. } = found;
        let gone: Vec<Change> =
            self.rows.keys().filter(|key| !rows.contains_key(*key)).map(|key| deletion(table, key)).collect();
        let written = rows.into_iter().filter_map(|(key, row)| {
            let PolledRow::Readable { value, version } = row else { return None };
            let digest = digest(&value);
            let action = match self.rows.get(&key) {
                None => Action::Create,
                Some(known) if *known == digest => return None,
                Some(_) => Action::Set,
            };
            // It was parsed as JSON, which is UTF-8.
            let value = String::from_utf8_lossy(&value).into_owned();
            let event = Event { version, ..Event::new(table, key, action, value, SEND_ALL) };
            Some(Change { event, digest: Some(digest) })
        });
        written.chain(gone).collect()
    }

    /// Records that a change was published.
    pub(crate) fn published(&mut self, change: Change) {
        let key = change.event.key.unwrap_or_default();
        match change.digest {
            Some(digest) => self.rows.insert(key, digest),
            None => self.rows.remove(&key),
        };
    }
}

fn deletion(table: &str, key: &str) -> Change {
    Change { event: Event::new(table, key, Action::Delete, None, SEND_ALL), digest: None }
}

/// Parses an object and checks that its `id` is its key; returns its version.
fn read(table: &str, key: &str, value: &[u8]) -> Result<Option<u64>, Error> {
    let object = Object::parse(table, value)?;
    if object.id() == key {
        return Ok(object.version());
    }
    Err(Error::new(ErrorKind::Invalid, format!("its `id` is {:?}, which is not its key", object.id())))
}

fn digest(value: &[u8]) -> Digest {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, value).into_bytes()
}

#[cfg(test)]
mod tests {
    use pubsub_api::Value;
    use pubsub_api::database::{Entry, RowPlace};

    use super::{PolledRows, TableCopy};

    fn entry(key: &str, topic: Option<&str>, value: &str) -> Entry {
        let place = RowPlace { key: key.to_owned(), topic: topic.map(str::to_owned) };
        Entry { place, value: value.to_owned().into() }
    }

    fn rows(rows: &[(&str, &str)]) -> PolledRows {
        PolledRows::of("chassis", rows.iter().map(|(key, value)| entry(key, None, value)).collect())
    }

    /// Returns the published events in short form, and updates the copy.
    fn poll(copy: &mut TableCopy, found: PolledRows) -> Vec<String> {
        let changes = copy.changes("chassis", found);
        let published = changes.iter().map(|change| {
            let (event, version) = (&change.event, change.event.version);
            assert_eq!(event.value == Value::Nil, event.action.as_str() == "delete");
            let version = version.map(|version| format!(" v{version}")).unwrap_or_default();
            format!("{} {}{version}", event.action, event.key.as_deref().unwrap())
        });
        let published = published.collect();
        changes.into_iter().for_each(|change| copy.published(change));
        published
    }

    const A: &str = r#"{"id":"a"}"#;
    const A2: &str = r#"{"id":"a","version":2}"#;
    const B: &str = r#"{"id":"b"}"#;

    #[test]
    fn the_changes_are_the_new_the_changed_and_the_deleted_rows() {
        let mut copy = TableCopy::default();
        for (found, published) in [
            (&[("b", B), ("a", A)][..], &["create a", "create b"][..]),
            (&[("a", A), ("b", B)], &[]),
            (&[("a", A2), ("b", B)], &["set a v2"]),
            (&[("a", A2)], &["delete b"]),
            (&[("b", B)], &["create b", "delete a"]),
            (&[], &["delete b"]),
            (&[], &[]),
        ] {
            assert_eq!(poll(&mut copy, rows(found)), published, "{found:?}");
        }
    }

    #[test]
    fn a_change_that_was_not_published_is_due_again() {
        let mut copy = TableCopy::default();
        let mut changes = copy.changes("chassis", rows(&[("a", A), ("b", B)]));
        copy.published(changes.remove(0));
        assert_eq!(poll(&mut copy, rows(&[("a", A), ("b", B)])), ["create b"]);
        assert_eq!(copy.changes("chassis", rows(&[])).len(), 2, "and again");
        assert_eq!(poll(&mut copy, rows(&[])), ["delete a", "delete b"]);
    }

    #[test]
    fn a_row_that_cannot_be_read_stays_as_it_was_until_it_can_be_read_or_is_deleted() {
        let mut copy = TableCopy::default();
        poll(&mut copy, rows(&[("a", A)]));
        for bad in ["junk", "[]", r#"{"id":"b"}"#, r#"{"id":"a","version":"x"}"#] {
            let found = rows(&[("a", bad), ("b", B)]);
            let unreadable: Vec<&str> = found.unreadable.iter().map(|(key, _)| key.as_str()).collect();
            assert_eq!(unreadable, ["a"], "{bad}");
            poll(&mut copy, found);
        }
        assert_eq!(poll(&mut copy, rows(&[("a", A), ("b", B)])), [""; 0]);
        assert_eq!(poll(&mut copy, rows(&[("b", "junk")])), ["delete a"]);
        assert_eq!(poll(&mut copy, rows(&[])), ["delete b"]);
    }

    #[test]
    fn of_several_rows_with_one_key_one_counts_and_then_the_next() {
        let both = || {
            let entries = vec![entry("a", Some("t"), A2), entry("a", None, A)];
            PolledRows::of("chassis", entries)
        };
        let mut copy = TableCopy::default();
        assert_eq!(both().unreadable.len(), 1);
        assert_eq!(poll(&mut copy, both()), ["create a"]);
        assert_eq!(copy, both().to_copy());
        assert_eq!(poll(&mut copy, PolledRows::of("chassis", vec![entry("a", Some("t"), A2)])), ["set a v2"]);
    }

    #[test]
    fn keys_may_contain_any_character() {
        let key = "{*}?[a].b c/\"'\u{1f600}";
        let value = serde_json::json!({"id": key}).to_string();
        let mut copy = TableCopy::default();
        assert_eq!(poll(&mut copy, rows(&[(key, &value)])), [format!("create {key}")]);
        assert_eq!(poll(&mut copy, rows(&[])), [format!("delete {key}")]);
    }
}
