use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Action, Event, Value};

/// The latest event of a row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) event: Arc<Event>,
    /// The time of publication, by the table's clock.
    pub(crate) at: Duration,
}

/// Returns the value of a row, or `None` if the row does not exist.
pub(crate) fn value_of(row: &Event) -> Option<&Value> {
    (row.action != Action::Delete).then_some(&row.value)
}
