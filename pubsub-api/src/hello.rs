//! The service's sign of life: an event on topic `$hello`, every second (docs/design.md#wire-format).
//!
//! A subscriber places its `$hello` filter after all others, so the first hello after a (re)connect proves that the
//! others are in place: that is what [`Notice::Subscribed`](crate::Notice::Subscribed) tells, of each publisher behind the
//! connection. Later hellos prove that the link lives. The map has the five keys of every event, so that an old reader that subscribed to everything
//! takes no harm.

use std::time::Duration;

use crate::wire::EventRef;
use crate::{Action, Event, HELLO, Incarnation, Stamp, Value};

/// How often a service says hello.
pub const HELLO_INTERVAL: Duration = Duration::from_secs(1);

/// The table that hello events name; no database has it.
pub const HELLO_TABLE: &str = "$hello";

/// The hello of the service that is called `publisher_id`; its stamp tells the incarnation, with number 0.
///
/// ```
/// use pubsub_api::{Envelope, Incarnation, hello};
///
/// let incarnation = Incarnation { publisher: 7, epoch: 1 };
/// let hello = Envelope::pack(&hello::event("5f1c0b5e-…", Some(incarnation)))?;
/// assert_eq!(hello::incarnation(&hello.payload), Some(incarnation));
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[must_use]
pub fn event(publisher_id: &str, incarnation: Option<Incarnation>) -> Event {
    let stamp = incarnation.map(|Incarnation { publisher, epoch }| Stamp {
        publisher,
        epoch,
        sequence: 0,
        time_us: 0,
    });
    let action = Action::Other("hello".to_owned());
    Event { stamp, ..Event::new(HELLO_TABLE, publisher_id, action, Value::Nil, HELLO) }
}

/// Who says this hello; `None` if it is no hello, or does not tell.
#[must_use]
pub fn incarnation(payload: &[u8]) -> Option<Incarnation> {
    let Stamp { publisher, epoch, .. } = EventRef::read(HELLO.as_bytes(), payload).ok()?.stamp?;
    Some(Incarnation { publisher, epoch })
}
