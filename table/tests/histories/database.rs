use std::collections::BTreeMap;

use pubsub_api::{Action, Event, Topic, Value};

/// The truth: what the application's database has.
#[derive(Debug, Default)]
pub(crate) struct Database {
    /// The value of each row, by key.
    pub(crate) rows: BTreeMap<u8, u64>,
    /// The version that was given last; it is the value of its row, too.
    version: u64,
}

pub(crate) const TABLE: &str = "row";

/// How many rows there may be.
pub(crate) const KEYS: u8 = 50;

/// A row's changes are published on one topic.
pub(crate) fn topic_of(key: u8) -> Topic {
    Topic::new(format!("t{}", key % 4)).expect("a good topic")
}

impl Database {
    /// Writes a row, or deletes it; returns the event of that change.
    pub(crate) fn write(&mut self, key: u8, deletes: bool) -> Event {
        self.version += 1;
        if deletes {
            self.rows.remove(&key);
        } else {
            self.rows.insert(key, self.version);
        }
        Event { version: Some(self.version), ..self.event(key) }
    }

    /// A row as the database has it.
    pub(crate) fn event(&self, key: u8) -> Event {
        let (action, value) = match self.rows.get(&key) {
            Some(value) => (Action::Set, Value::Text(value.to_string())),
            None => (Action::Delete, Value::Nil),
        };
        // What is read from the database has the newest version.
        let version = Some(self.rows.get(&key).copied().unwrap_or(self.version));
        Event { version, ..Event::new(TABLE, format!("k{key}"), action, value, topic_of(key)) }
    }
}
