use std::fmt;

use pubsub_api::{Event, Topic};

/// The events that a handler receives.
///
/// A filter selects among the events that the agent receives; it does not subscribe. Add the topic to the settings, or
/// with [`subscribe`](crate::AgentBuilder::subscribe).
///
/// ```
/// use pubsub_api::{Action, Event, SEND_ALL};
/// use subscriber_agent::EventFilter;
///
/// let event = Event::new("lport", "port-1", Action::Set, "up", SEND_ALL);
/// assert!(EventFilter::Topic(SEND_ALL).matches(&event));
/// assert!(EventFilter::Table("lport".to_owned()).matches(&event));
/// assert!(!EventFilter::Table("lrouter".to_owned()).matches(&event));
/// ```
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
