use std::fmt;

use bytes::Bytes;

use crate::{Stamp, Topic};

/// One change of one row: the action of the API worker, and the row after it.
///
/// An event has five fields, always in this order: table, key, action, value, topic (docs/dragonflow.md#wire-format).
/// `stamp` and `version` follow if they are set; old readers ignore them.
///
/// ```
/// use pubsub_api::{Action, Event, Topic};
///
/// let event = Event::new("lport", "port-1", Action::Create, r#"{"id":"port-1"}"#, Topic::new("tenant-1")?);
/// assert_eq!(event.table.as_deref(), Some("lport"));
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The table of the row; nil in pseudo-events such as `sync`.
    pub table: Option<String>,
    /// The key of the row within its table.
    pub key: Option<String>,
    /// The action on the row.
    pub action: Action,
    /// The row after the action: usually JSON text, nil after a delete.
    pub value: Value,
    /// The topic, equal to the envelope's.
    pub topic: Topic,
    /// Publisher, epoch and sequence, set by the publisher service.
    pub stamp: Option<Stamp>,
    /// The version of the object, if its model has one.
    pub version: Option<u64>,
}

impl Event {
    /// Creates an event as a worker does: without stamp and version.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// No value: the row was deleted, or the event concerns no row.
    Nil,
    /// Text, by convention the row's model as JSON.
    Text(String),
    /// Exactly one msgpack value of any other type, as received: it is passed on unchanged.
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
