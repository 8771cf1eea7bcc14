//! The wire format of an event: Dragonflow's map, byte for byte, checked before use (docs/design.md#wire-format,
//! docs/dragonflow.md#wire-format).
//!
//! [`encode`] writes one msgpack map with `table, key, action, value, topic` in this order, strings in the old raw
//! family only (fixstr, str16, str32; never str8, never bin), then `stamp` and `version` if the event has them. A publisher may [seal](SealedRef) the value.
//! [`EventRef::read`] accepts every map that a Dragonflow reader accepts, in any key order, and refuses all others by
//! [cause](WireError): it allocates nothing for a map of the five keys, does not recurse, and trusts no announced
//! length. [`append_pairs`] adds keys to a packed map without packing it again.
//!
//! ```
//! use events::{Action, Event, SEND_ALL, wire};
//!
//! let event = Event::new("chassis", "compute-1", Action::Delete, None, SEND_ALL);
//! let payload = wire::encode(&event)?;
//! let read = wire::EventRef::read(b"D", &payload).expect("our own bytes");
//! assert_eq!(read.key, Some("compute-1"));
//! assert_eq!(read.to_event(), event);
//! # Ok::<(), events::Error>(())
//! ```

mod encode;
mod error;
mod plain;
mod read;
mod row;
mod row_span;
mod sealed;
mod size;
mod stamp;

pub use encode::encode;
pub use error::WireError;
pub use msgpack::{GrownMap, MAX_DEPTH, Malformed, append_pairs, find, is_one_value};
pub use plain::plain_row;
pub use read::EventRef;
pub use row::RowRef;
pub use row_span::RowSpan;
pub use sealed::SealedRef;
pub use size::{MAX_EVENT_BYTES, MAX_RECEIVED_BYTES, check_size};

#[cfg(test)]
mod tests;
