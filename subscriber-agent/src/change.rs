use std::sync::Arc;

use delivery::subscriber::DeliveryMode;
use pubsub_api::{Event, Result};
use service_kit::json;
use service_kit::json::LineOptions;

/// An event that is delivered to output and handlers, with its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The event.
    pub event: Arc<Event>,
    /// The way in which it was received.
    pub mode: DeliveryMode,
}

impl Change {
    /// An event of the live stream.
    #[must_use]
    pub fn live(event: Arc<Event>) -> Self {
        Self { event, mode: DeliveryMode::Live }
    }

    /// The JSON line for output and commands, without the newline.
    ///
    /// # Errors
    /// As [`json::to_line`].
    ///
    /// ```
    /// use pubsub_api::{Action, Event, SEND_ALL};
    /// use std::sync::Arc;
    /// use subscriber_agent::Change;
    ///
    /// let change = Change::live(Arc::new(Event::new("lport", "port-1", Action::Set, "up", SEND_ALL)));
    /// let line = r#"{"table":"lport","key":"port-1","action":"set","value":"up","topic":"D"}"#;
    /// assert_eq!(change.to_line(false)?, line);
    /// # Ok::<(), pubsub_api::Error>(())
    /// ```
    pub fn to_line(&self, stamp: bool) -> Result<String> {
        json::to_line_with(&self.event, self.line_options(stamp))
    }

    /// Appends the line that [`to_line`](Self::to_line) returns.
    pub(crate) fn append_line(&self, line: &mut Vec<u8>, stamp: bool) -> Result<()> {
        json::append_line(line, &self.event, self.line_options(stamp))
    }

    fn line_options(&self, stamp: bool) -> LineOptions<'_> {
        LineOptions { origin: self.mode.name(), stamp, sealed: None }
    }

    /// The name of the event's row for log messages: `lport port-1`, or the topic if the event has no row.
    pub(crate) fn row_name(&self) -> String {
        let (table, key) = (self.event.table.as_deref(), self.event.key.as_deref());
        match (table, key) {
            (Some(table), Some(key)) => format!("{} {}", table.escape_debug(), key.escape_debug()),
            (Some(table), None) => format!("table {}", table.escape_debug()),
            _ => format!("an event on topic {}", self.event.topic),
        }
    }

    /// The table and key of the event's row.
    pub(crate) fn row(&self) -> Option<(&str, &str)> {
        Some((self.event.table.as_deref()?, self.event.key.as_deref()?))
    }
}
