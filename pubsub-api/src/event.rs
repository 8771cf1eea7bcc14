use std::fmt;

use bytes::Bytes;

use crate::{Stamp, Topic};

/// One change of one row: what the API worker did, and the row as it is now.
///
/// Five fields travel, always in this order: table, key, action, value, topic (docs/dragonflow.md#wire-format). `stamp` and
/// `version` follow where someone has set them; old readers ignore them.
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
    /// What was done.
    pub action: Action,
    /// The row after it: mostly JSON text, nil after a delete.
    pub value: Value,
    /// The topic, equal to the envelope's.
    pub topic: Topic,
    /// Publisher, epoch and number, given by the publisher service.
    pub stamp: Option<Stamp>,
    /// The object's version, where its model has one.
    pub version: Option<u64>,
}

impl Event {
    /// An event as a worker makes it: neither stamped nor versioned.
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

/// What was done to the row. Readers treat a name they do not know as a change of the row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// The row is new.
    Create,
    /// The row changed; the value is the whole row.
    Set,
    /// The row is gone.
    Delete,
    /// Not about a row: whoever reads it compares all it has with the database.
    Sync,
    /// Any other name, kept as it came.
    Other(String),
}

impl Action {
    /// The name as it travels.
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

/// What the row holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing: the row is gone, or the event is not about a row.
    Nil,
    /// Text, by custom the row's model as JSON.
    Text(String),
    /// Any other msgpack value, exactly one, in the bytes that came: passed on unharmed.
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
