use std::fmt;

use pubsub_api::{Event, Topic};

/// The events that a handler receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventFilter {
    /// Every event.
    All,
    /// The events of one topic.
    Topic(Topic),
    /// The events of one table.
    Table(String),
}

impl EventFilter {
    /// Whether a handler with this filter receives the event.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        match self {
            Self::All => true,
            Self::Topic(topic) => *topic == event.topic,
            Self::Table(table) => event.table.as_ref() == Some(table),
        }
    }
}

impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Topic(topic) => write!(f, "topic {topic}"),
            Self::Table(table) => write!(f, "table {table}"),
        }
    }
}
