use std::fmt;

use async_trait::async_trait;
use pubsub_api::{Event, Result, Topic};
use serde::Serialize;

use crate::Change;

/// Something that acts on changes, one after the other, at its own pace.
#[async_trait]
pub trait Handler: Send {
    /// Acts on one event; the next one comes when this one is done.
    ///
    /// # Errors
    /// Any: it is counted and told as [`HandlerFailure`], and what follows is up to [`OnFailure`](crate::OnFailure). A panic
    /// is a failure like any other.
    async fn handle(&mut self, change: &Change) -> Result<()>;
}

/// Which events a handler gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Every event.
    All,
    /// Those of one topic.
    Topic(Topic),
    /// Those of one table.
    Table(String),
}

impl Route {
    /// Whether an event goes this way.
    #[must_use]
    pub fn takes(&self, event: &Event) -> bool {
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

/// A handler that did not manage one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandlerFailure {
    /// The handler's route.
    pub handler: String,
    /// The row's table.
    pub table: Option<String>,
    /// The row's key.
    pub key: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// A handler that was too slow for too long, and so has missed events at this place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandlerGap {
    /// The handler's route.
    pub handler: String,
    /// How many events.
    pub events: u64,
    /// Why, in words.
    pub reason: String,
}
