//! The service's sign of life: an event on topic `$hello`, every second (DESIGN 4).
//!
//! A subscriber places its `$hello` filter after all others, so the first hello after a (re)connect proves that the
//! others are in place: that is what [`Notice::Subscribed`](crate::Notice::Subscribed) tells. Later hellos prove that
//! the link lives. The map has the five keys of every event, so that an old reader that subscribed to everything
//! takes no harm.

use std::time::Duration;

use crate::{Action, Event, HELLO, Value};

/// How often a service says hello (DESIGN 4).
pub const HELLO_INTERVAL: Duration = Duration::from_secs(1);

/// The table that hello events name; no database has it.
pub const HELLO_TABLE: &str = "$hello";

/// The hello of the service that is called `publisher_id`.
///
/// ```
/// let hello = pubsub_api::hello::event("5f1c0b5e-…");
/// assert_eq!(hello.action.as_str(), "hello");
/// ```
#[must_use]
pub fn event(publisher_id: &str) -> Event {
    Event::new(HELLO_TABLE, publisher_id, Action::Other("hello".to_owned()), Value::Nil, HELLO)
}
