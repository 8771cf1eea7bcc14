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

/// The hello of the service that is called `publisher_id`, in this incarnation; it makes no statement about topics (see
/// [`event_with`]).
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
    event_with(publisher_id, incarnation, 0)
}

/// The same with the first sequence of topics that the service does not know.
///
/// That number is the sequence of the hello's stamp. It counts from 1 and rises with every topic that the service retires: a
/// subscriber that was away and finds it higher may have missed events on topics of which it never heard. 0 makes no statement.
#[must_use]
pub fn event_with(publisher_id: &str, incarnation: Option<Incarnation>, first_sequence: u64) -> Event {
    let stamp = incarnation.map(|Incarnation { publisher, epoch }| Stamp {
        publisher,
        epoch,
        sequence: first_sequence,
        time_us: 0,
    });
    let action = Action::Other("hello".to_owned());
    Event { stamp, ..Event::new(HELLO_TABLE, publisher_id, action, Value::Nil, HELLO) }
}

/// The incarnation that sends this hello; `None` if it is no hello, or carries none.
#[must_use]
pub fn incarnation(payload: &[u8]) -> Option<Incarnation> {
    let Stamp { publisher, epoch, .. } = stamp(payload)?;
    Some(Incarnation { publisher, epoch })
}

/// The stamp of this hello: incarnation and [first sequence](event_with); `None` if it is no hello, or carries none.
#[must_use]
pub fn stamp(payload: &[u8]) -> Option<Stamp> {
    EventRef::read(HELLO.as_bytes(), payload).ok()?.stamp
}
