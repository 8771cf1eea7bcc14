use async_trait::async_trait;
use pubsub_api::Result;
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
    ///
    /// # Cancel safety
    /// The agent drops the future if the handler has not finished when the grace of [`drain`](crate::Agent::drain) is
    /// over.
    async fn handle(&mut self, change: &Change) -> Result<()>;
}

/// The failure of a handler on one event.
///
/// On stdout it is the notice `{"notice":"handler_failed","handler":"table lport",…}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandlerFailure {
    /// The [filter](crate::EventFilter) of the handler, as text.
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
    /// The [filter](crate::EventFilter) of the handler, as text.
    pub handler: String,
    /// The number of dropped events.
    pub events: u64,
    /// The reason, for people.
    pub reason: String,
}
