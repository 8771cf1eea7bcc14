//! The packing of marks and SYNC: event maps of five keys, which old readers can read, followed by keys of their own
//! (docs/decisions/0002-stamps-inside-the-map.md).

use bytes::Bytes;
use pubsub_api::wire::{self, WireError};
use pubsub_api::{Action, Envelope, Event, Result, Stamp, Topic, Value};
use rmpv::Value as Msgpack;

/// The table of marks and loss records.
pub(super) const MARK_TABLE: &str = "$mark";

/// One pair after the five keys and the stamp.
pub(crate) type Extra<'a> = (&'a str, Msgpack);

/// Packs a pseudo-event about `key`, with more pairs.
pub(crate) fn pack(
    topic: Topic,
    table: &str,
    key: &str,
    action: &str,
    stamp: Option<Stamp>,
    extra: &[Extra<'_>],
) -> Result<Envelope> {
    let event = Event { stamp, ..Event::new(table, key, Action::from(action), Value::Nil, topic) };
    let Envelope { topic, payload } = Envelope::pack(&event)?;
    let mut pairs = Vec::new();
    for (name, value) in extra {
        for part in [&Msgpack::from(*name), value] {
            // Writing to memory does not fail.
            let _ = rmpv::encode::write_value(&mut pairs, part);
        }
    }
    let mut grown = Vec::new();
    let more = u32::try_from(extra.len()).unwrap_or(0);
    // A map of five or six pairs has room for more.
    let _ = wire::append_pairs(&payload, more, &pairs, &mut grown);
    Ok(Envelope { topic, payload: Bytes::from(grown) })
}

/// The value of an additional pair of a checked map.
pub(crate) fn extra(payload: &[u8], name: &str) -> std::result::Result<Msgpack, WireError> {
    let mut bytes = wire::find(payload, name.as_bytes()).ok_or(WireError::MissingField)?;
    rmpv::decode::read_value(&mut bytes).map_err(|_| WireError::WrongType)
}

/// The unsigned number of an additional pair.
pub(crate) fn number(payload: &[u8], name: &str) -> std::result::Result<u64, WireError> {
    extra(payload, name)?.as_u64().ok_or(WireError::WrongType)
}
