//! A packet as the value of an event.
//!
//! The event has the table `$dse`, the node id of the sender as its key, and the part of the engine as its action. Its value
//! is one msgpack array: version, bus, stream, source, an array of messages. The stream is nil unless the topic is shortened.
//! Structs are arrays, so no message may leave out a field when it is encoded.
//!
//! If packets are [sealed](super::packet_guard), the value is binary data, in which this array is encrypted. The event has no key
//! then, and the action `sealed`.

use pubsub_api::wire::{self, EventRef};
use pubsub_api::{Action, Envelope, Error, ErrorKind, Event, Result, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::MAX_PACKET_BYTES;
use super::encoded_messages::{EncodedMessages, WITH_ROWS};
use super::invalid::Invalid;
use super::packet_guard::PacketGuard;
use super::topics::PacketTopic;
use crate::packet::{Destination, Message};
use crate::{BusId, NodeInstance, StreamName};

/// The table that every packet names; no database has it.
const TABLE: &str = "$dse";

/// The version of the encoding, below 128 so that it takes one byte.
const VERSION: u8 = 1;

/// The first byte of a packet: a msgpack array of five values.
const ARRAY_OF_FIVE: u8 = 0x95;

/// The action of a sealed packet, which hides what it is about.
const SEALED: &str = "sealed";

/// Packs messages of one kind of `source` to `to`, whose topic is `topic`.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the packet has more than [`MAX_PACKET_BYTES`] or is nested deeper than
/// [`wire::MAX_DEPTH`].
pub(super) fn encode(
    bus: &BusId,
    topic: &PacketTopic,
    to: &Destination,
    source: &NodeInstance,
    messages: &EncodedMessages,
    guard: &PacketGuard,
) -> Result<Envelope> {
    let mut value = pack(&(VERSION, bus, stream_of(topic, to), source))?;
    value.reserve(messages.bytes());
    if let Some(first) = value.first_mut() {
        *first = ARRAY_OF_FIVE;
    }
    messages.append_to(&mut value);
    let kind = messages.kind();
    check(&value, kind)?;
    let (key, action) = match guard.seals() {
        true => (None, SEALED),
        false => (Some(source.node.as_str().to_owned()), kind),
    };
    Envelope::pack(&Event {
        table: Some(TABLE.to_owned()),
        key,
        action: Action::Other(action.to_owned()),
        value: Value::Other(guard.seal(topic.topic.as_bytes(), value).into()),
        topic: topic.topic.clone(),
        stamp: None,
        version: None,
    })
}

/// Unpacks what arrived on the topic of `to`.
///
/// # Errors
/// The cause, if it is not a packet of this bus for this destination.
pub(super) fn decode(
    bus: &BusId,
    topic: &PacketTopic,
    to: &Destination,
    payload: &[u8],
    guard: &PacketGuard,
) -> Result<(NodeInstance, Vec<Message>), Invalid> {
    let event = EventRef::read(topic.topic.as_bytes(), payload)?;
    if event.table != Some(TABLE) {
        return Err(Invalid::Foreign);
    }
    if event.value.len() > MAX_PACKET_BYTES + PacketGuard::OVERHEAD_BYTES {
        return Err(Invalid::TooBig);
    }
    let (source, messages) =
        guard.open(topic.topic.as_bytes(), event.value, |packet| read(bus, stream_of(topic, to), packet))?;
    match to {
        Destination::Followers(stream) if stream.instance != source.instance => Err(Invalid::WrongSource),
        _ => Ok((source, messages)),
    }
}

/// Reads what a node of this bus packed, about this stream.
fn read(
    bus: &BusId,
    about: Option<&StreamName>,
    packet: &[u8],
) -> Result<(NodeInstance, Vec<Message>), Invalid> {
    match packet {
        _ if packet.len() > MAX_PACKET_BYTES => return Err(Invalid::TooBig),
        [ARRAY_OF_FIVE, VERSION, ..] => {}
        [ARRAY_OF_FIVE, 0..=0x7f, ..] => return Err(Invalid::Version),
        _ => return Err(Invalid::Malformed),
    }
    type Parts = (u8, BusId, Option<StreamName>, NodeInstance, Vec<Message>);
    let (_, of_bus, stream, source, messages): Parts = unpack(packet)?;
    if of_bus != *bus {
        return Err(Invalid::WrongBus);
    }
    if stream.as_ref() != about {
        return Err(Invalid::WrongDestination);
    }
    Ok((source, messages))
}

/// Encodes a value as msgpack, structs as arrays.
fn pack(value: &impl Serialize) -> Result<Vec<u8>> {
    rmp_serde::to_vec(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "a packet cannot be encoded").with_source(error))
}

/// Refuses a value that receivers do not accept.
fn check(value: &[u8], kind: &str) -> Result<()> {
    let bytes = value.len();
    let text = if bytes > MAX_PACKET_BYTES {
        format!(
            "a packet has at most {MAX_PACKET_BYTES} bytes, this {kind} packet has {bytes}; send it in parts"
        )
    } else if kind == WITH_ROWS && !wire::is_one_value(value) {
        format!("a {kind} packet is nested deeper than {} levels", wire::MAX_DEPTH)
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Invalid, text))
}

fn unpack<T: DeserializeOwned>(value: &[u8]) -> Result<T, Invalid> {
    rmp_serde::from_slice(value).map_err(|_| Invalid::Malformed)
}

/// The stream that a packet must repeat, because its topic does not contain it.
fn stream_of<'a>(topic: &PacketTopic, to: &'a Destination) -> Option<&'a StreamName> {
    match to {
        Destination::Followers(stream) if topic.is_shortened => Some(stream),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
