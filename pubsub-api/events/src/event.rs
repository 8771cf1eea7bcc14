use std::fmt;

use bytes::Bytes;

use crate::{Stamp, Topic};

/// One change of one row: the action of the API worker, and the row after it.
///
/// An event has five fields, always in this order: table, key, action, value, topic (docs/dragonflow.md#wire-format).
/// `stamp` and `version` follow if they are set; old readers ignore them.
///
/// ```
/// use events::{Action, Event, Topic};
///
/// let event = Event::new("lport", "port-1", Action::Create, r#"{"id":"port-1"}"#, Topic::new("tenant-1")?);
/// assert_eq!(event.table.as_deref(), Some("lport"));
/// # Ok::<(), events::Error>(())
/// ```
///
/// An event that concerns no row has no table and no key. Its reader compares all of its rows with the database:
///
/// ```
/// use events::{Action, Event, SEND_ALL};
///
/// let sync = Event { table: None, key: None, ..Event::new("", "", Action::Sync, None, SEND_ALL) };
/// assert!(events::wire::encode(&sync).is_ok());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The table of the row, such as `lport`; `None` (nil) in pseudo-events such as `sync`, which concern no row.
    pub table: Option<String>,
    /// The key of the row within its table. Table and key identify a row; the topic does not.
    pub key: Option<String>,
    /// The action on the row.
    pub action: Action,
    /// The row after the action: usually JSON text, nil after a delete.
    pub value: Value,
    /// The topic, equal to the envelope's.
    pub topic: Topic,
    /// Publisher, epoch and sequence. The publisher service sets it; `None` in an event of a worker, and of a
    /// publisher that does not number its events, such as Dragonflow's. Missing events cannot be detected without
    /// it.
    pub stamp: Option<Stamp>,
    /// The version of the object, if its model has one: of two events of one row, the one with the higher version
    /// is the later one. `None` makes no statement.
    pub version: Option<u64>,
}

impl Event {
    /// Creates an event as a worker does: without stamp and version.
    ///
    /// Nothing is checked here. [`Envelope::pack`](crate::Envelope::pack) refuses an event that is too large, and
    /// `Publisher::send_event` one on a reserved topic.
    pub fn new(
        table: impl Into<String>,
        key: impl Into<String>,
        action: Action,
        value: impl Into<Value>,
        topic: Topic,
    ) -> Self {
        Self {
            table: Some(table.into()),
            key: Some(key.into()),
            action,
            value: value.into(),
            topic,
            stamp: None,
            version: None,
        }
    }
}

/// The action on the row. Readers treat an unknown name as a change of the row.
///
/// Names are compared exactly, in small letters.
///
/// ```
/// use events::Action;
///
/// assert_eq!(Action::from("set"), Action::Set);
/// assert_eq!(Action::from("SET"), Action::Other("SET".to_owned()));
/// assert_eq!(Action::Other("archive".to_owned()).as_str(), "archive");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// The row is new.
    Create,
    /// The row changed; the value is the whole row.
    Set,
    /// The row was deleted.
    Delete,
    /// Concerns no row: a reader compares all of its rows with the database.
    Sync,
    /// Any other name, kept unchanged.
    Other(String),
}

impl Action {
    /// Returns the name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Create => "create",
            Self::Set => "set",
            Self::Delete => "delete",
            Self::Sync => "sync",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Action {
    fn from(name: &str) -> Self {
        match name {
            "create" => Self::Create,
            "set" => Self::Set,
            "delete" => Self::Delete,
            "sync" => Self::Sync,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The value of the row.
///
/// ```
/// use events::Value;
///
/// assert_eq!(Value::from("up"), Value::Text("up".to_owned()));
/// assert_eq!(Value::from(None), Value::Nil);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// No value: the row was deleted, or the event concerns no row.
    Nil,
    /// Text, by convention the row's model as JSON.
    Text(String),
    /// Exactly one msgpack value of any other type, as received: it is passed on unchanged. An author that fills it
    /// checks the bytes with [`wire::is_one_value`](crate::wire::is_one_value); packing does not.
    Other(Bytes),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Nil, Self::Text)
    }
}
