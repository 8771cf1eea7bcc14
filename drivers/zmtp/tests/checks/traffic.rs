//! What peers send, made up: right, nearly right, and damaged.

use drivers_zmtp::protocol::{Command, Greeting, Mechanism, put_event};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};

/// A few things of a connection after its handshake, one after the other.
pub(crate) fn traffic() -> impl Strategy<Value = Vec<u8>> {
    let bytes = |most| prop::collection::vec(any::<u8>(), 0..most);
    let event = (bytes(300), bytes(400)).prop_map(|(topic, payload)| {
        let mut out = Vec::new();
        put_event(&mut out, &topic, &payload);
        out
    });
    let subscription = (bytes(1200), any::<bool>()).prop_map(|(prefix, cancel)| {
        put(if cancel { Command::Cancel(&prefix) } else { Command::Subscribe(&prefix) })
    });
    let by_message =
        (bytes(40), 0..3_u8).prop_map(|(prefix, first)| frame(0, &[&[first][..], &prefix].concat()));
    let ping =
        (any::<u16>(), bytes(18)).prop_map(|(ttl, context)| put(Command::Ping { ttl, context: &context }));
    let frames = prop::collection::vec((prop::sample::select(&[0, 1, 2, 3, 4, 6][..]), bytes(20)), 1..20)
        .prop_map(|frames| frames.iter().flat_map(|(flags, body)| frame(*flags, body)).collect());
    let thing = prop_oneof![
        4 => event,
        2 => subscription,
        2 => by_message,
        2 => ping,
        1 => Just(put(Command::Pong)),
        1 => frames,
        1 => bytes(12),
    ];
    prop::collection::vec(thing, 0..8).prop_map(|things| things.concat())
}

pub(crate) fn greeting() -> impl Strategy<Value = Vec<u8>> {
    let mechanism = prop::sample::select(&[Mechanism::Null, Mechanism::Plain, Mechanism::Curve][..]);
    mechanism.prop_map(|mechanism| Greeting::encode(mechanism).to_vec())
}

/// A READY of a socket type, and of others' properties.
pub(crate) fn ready() -> impl Strategy<Value = Vec<u8>> {
    let known = ["PUB", "XPUB", "SUB", "XSUB", "PUSH", "PULL", "DEALER", "ROUTER", "REQ", ""];
    let socket_type = prop::sample::select(known.to_vec())
        .prop_map(|socket_type| ("Socket-Type".to_owned(), socket_type.as_bytes().to_vec()));
    let properties = prop::collection::vec(prop_oneof![socket_type, property()], 0..4);
    properties.prop_map(packed_ready)
}

/// A property's name and value.
pub(crate) fn property() -> impl Strategy<Value = (String, Vec<u8>)> {
    ("[A-Za-z-]{1,20}", prop::collection::vec(any::<u8>(), 0..300))
}

/// RFC 37, `ready`.
pub(crate) fn packed_ready(properties: Vec<(String, Vec<u8>)>) -> Vec<u8> {
    let packed = |(name, value): (String, Vec<u8>)| {
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes();
        [&[u8::try_from(name.len()).unwrap_or(u8::MAX)], name.as_bytes(), &length, &value].concat()
    };
    put(Command::Ready(&properties.into_iter().flat_map(packed).collect::<Vec<_>>()))
}

/// The bytes of `whole`, in half of the cases with one of them changed or the end cut off.
pub(crate) fn damaged(whole: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (whole, 0..4_u8, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut bytes, damage, at, to)| {
        let at = if bytes.is_empty() { 0 } else { at.index(bytes.len()) };
        match (damage, bytes.get_mut(at)) {
            (0, Some(byte)) => *byte = to,
            (1, Some(_)) => bytes.truncate(at),
            _ => {}
        }
        bytes
    })
}

/// A frame of any flags; with those of a long one its size takes 8 bytes, whatever it is.
pub(crate) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(size) if flags & 2 == 0 => [&[flags, size], body].concat(),
        _ => [&[flags | 2][..], &(body.len() as u64).to_be_bytes(), body].concat(),
    }
}

fn put(command: Command<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    command.put(&mut out);
    out
}
