use std::collections::BTreeMap;

use data_services::Row;
use northbound::Object;
use pubsub_api::Result;
use pubsub_api::database::Entry;
use serde_json::Value as Json;

/// The rows of a table of the database: the fields of each object. Entries that are not objects, or not in the row of their
/// `id`, are errors. If entries of several topics have one key, the first topic counts.
pub(super) fn object_rows(table: &str, mut entries: Vec<Entry>, errors: &mut Vec<String>) -> Vec<Row> {
    entries.sort_unstable_by(|one, other| one.place.cmp(&other.place));
    let mut rows = BTreeMap::new();
    for entry in &entries {
        let key = &entry.place.key;
        if rows.contains_key(key) {
            errors.push(format!("the row {table}/{key} is there on several topics; the first one counts"));
            continue;
        }
        match object_row(table, entry) {
            Ok(Some(row)) => drop(rows.insert(key.clone(), row)),
            Ok(None) => {
                errors.push(format!("the row {table}/{key} has another `id` than its key and is left out"))
            }
            Err(error) => errors.push(format!("the row {table}/{key} is left out: {error}")),
        }
    }
    rows.into_values().collect()
}

fn object_row(table: &str, entry: &Entry) -> Result<Option<Row>> {
    let object = Object::parse(table, &entry.value)?;
    let is_in_its_row = object.id() == entry.place.key;
    is_in_its_row.then(|| Row::from_json(Json::Object(object.fields().clone()))).transpose()
}

#[cfg(test)]
mod tests {
    use pubsub_api::database::{Entry, RowPlace};

    use super::object_rows;

    fn entry(key: &str, topic: &str, value: &'static str) -> Entry {
        let place = RowPlace { key: key.to_owned(), topic: Some(topic.to_owned()) };
        Entry { place, value: value.into() }
    }

    #[test]
    fn objects_are_rows_and_the_rest_are_errors() {
        let entries = vec![
            entry("b", "t2", r#"{"id": "b", "x": 2}"#),
            entry("b", "t1", r#"{"id": "b", "x": 1}"#),
            entry("a", "t1", r#"{"id": "a", "topic": "t1", "version": 3}"#),
            entry("c", "t1", r#"{"id": "z"}"#),
            entry("d", "t1", "no JSON"),
        ];
        let mut errors = Vec::new();
        let rows = object_rows("lport", entries, &mut errors);
        let texts: Vec<&str> = rows.iter().map(|row| row.as_json()).collect();
        assert_eq!(texts, [r#"{"id":"a","topic":"t1","version":3}"#, r#"{"id":"b","x":1}"#]);
        assert_eq!(errors.len(), 3, "{errors:#?}");
        for says in ["lport/b is there on several topics", "lport/c has another `id`", "lport/d is left out"]
        {
            assert!(errors.iter().any(|error| error.contains(says)), "{says}: {errors:#?}");
        }
    }
}
