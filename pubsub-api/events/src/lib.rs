//! An event and its wire format: what travels between publishers and subscribers.
//!
//! An [`Event`] is one change of one row. It travels as an [`Envelope`]: a topic frame and a packed map ([`wire`]). A
//! publisher adds a [`Stamp`] to it. A publisher service also sends a [`hello`] every second.
//!
//! Drivers and programs use these types through `pubsub-api`, which re-exports them.
//!
//! ```
//! use events::{Action, Envelope, Event, SEND_ALL, wire};
//!
//! let event = Event::new("chassis", "compute-1", Action::Delete, None, SEND_ALL);
//! let Envelope { topic, payload } = Envelope::pack(&event)?;
//! assert_eq!(wire::EventRef::read(topic.as_bytes(), &payload)?.to_event(), event);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod hello;
pub mod wire;

mod envelope;
mod event;
mod publisher_epoch;
mod stamp;

pub use envelope::Envelope;
pub use errors::{Error, ErrorKind, Result};
pub use event::{Action, Event, Value};
pub use publisher_epoch::PublisherEpoch;
pub use stamp::Stamp;
pub use topics::{HELLO, SEND_ALL, Topic};
