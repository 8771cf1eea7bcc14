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

/// Whether the row exists after this event.
pub(crate) fn exists(event: &Event) -> bool {
    event.action != Action::Delete
}

/// Returns the value of a row, or `None` if the row does not exist.
pub(crate) fn value_of(row: &Event) -> Option<&Value> {
    exists(row).then_some(&row.value)
}
