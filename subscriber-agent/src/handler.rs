use std::fmt;

use async_trait::async_trait;
use pubsub_api::{Event, Result, Topic};
use serde::Serialize;

use crate::Change;

/// Processes changes, one at a time.
#[async_trait]
pub trait Handler: Send {
    /// Processes one event. The next event follows when this call has returned.
    ///
    /// # Errors
    /// Any error is counted and reported as [`HandlerFailure`]; [`OnFailure`](crate::OnFailure) defines what follows. A panic
    /// counts as an error.
    async fn handle(&mut self, change: &Change) -> Result<()>;
}

/// The events that a handler receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Every event.
    All,
    /// The events of one topic.
    Topic(Topic),
    /// The events of one table.
    Table(String),
}

impl Route {
    /// Whether the event belongs to this route.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        match self {
            Self::All => true,
            Self::Topic(topic) => *topic == event.topic,
            Self::Table(table) => event.table.as_ref() == Some(table),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Topic(topic) => write!(f, "topic {topic}"),
            Self::Table(table) => write!(f, "table {table}"),
        }
    }
}

/// The failure of a handler on one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandlerFailure {
    /// The handler's route.
    pub handler: String,
    /// The row's table.
    pub table: Option<String>,
    /// The row's key.
    pub key: Option<String>,
    /// The reason, for people.
    pub reason: String,
}

/// Events that were dropped from a handler's queue, at this point of the output, because the handler was too slow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandlerGap {
    /// The handler's route.
    pub handler: String,
    /// The number of dropped events.
    pub events: u64,
    /// The reason, for people.
    pub reason: String,
}
