//! The peer's half of a NULL handshake by the letter of RFC 37, for comparison.

use std::time::Duration;

use drivers_zmtp::protocol::{GREETING_BYTES, MechanismName, ProtocolError, SocketType};

use crate::slow_frame::next_frame;

/// The largest READY that is taken, with its head (docs/guarantees.md#f53).
const READY_BYTES: u64 = 4096;

pub(crate) const TYPES: [SocketType; 8] = [
    SocketType::Pub,
    SocketType::Xpub,
    SocketType::Sub,
    SocketType::Xsub,
    SocketType::Push,
    SocketType::Pull,
    SocketType::Dealer,
    SocketType::Router,
];

/// How many bytes are used up, the peer's minor version, its socket type, and the time between its signs of life, as far as
/// they came.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Sent {
    pub(crate) used: usize,
    pub(crate) minor: u8,
    pub(crate) socket_type: Option<SocketType>,
    pub(crate) alive_every: Option<Duration>,
}

pub(crate) fn read(sent: &[u8]) -> Result<Sent, ProtocolError> {
    for (at, byte) in sent.iter().take(12).enumerate() {
        greeting_byte(at, *byte)?;
    }
    mechanism(sent.iter().skip(12).take(20).copied().collect())?;
    let Some([.., major, minor]) = sent.get(..12).filter(|_| sent.len() >= GREETING_BYTES) else {
        return Ok(Sent::default());
    };
    let minor = if *major > 3 { 1 } else { *minor };
    let greeted = Sent { used: GREETING_BYTES, minor, ..Sent::default() };
    let Some(frame) = next_frame(sent, GREETING_BYTES)? else { return Ok(greeted) };
    if frame.more || !frame.command {
        return Err(ProtocolError::NotReady);
    }
    let head_bytes = frame.body_at as u64 - GREETING_BYTES as u64;
    if frame.size > READY_BYTES - head_bytes {
        return Err(ProtocolError::FrameTooLong);
    }
    let Some(body) = frame.body else { return Ok(greeted) };
    let (socket_type, alive_every) = ready(body)?;
    Ok(Sent { used: frame.body_at + body.len(), socket_type: Some(socket_type), alive_every, ..greeted })
}

/// `signature version mechanism as-server filler`, of which padding, as-server and filler may be anything.
fn greeting_byte(at: usize, byte: u8) -> Result<(), ProtocolError> {
    match at {
        0 if byte != 0xff => Err(ProtocolError::BadSignature),
        9 if byte != 0x7f => Err(ProtocolError::BadSignature),
        10 if byte < 3 => Err(ProtocolError::OldVersion { revision: byte }),
        _ => Ok(()),
    }
}

/// `mechanism`, 20 bytes: another one is refused when its name has ended, by a byte that no name has or by its length.
fn mechanism(field: Vec<u8>) -> Result<(), ProtocolError> {
    if b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".starts_with(&field) {
        return Ok(());
    }
    let allowed = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";
    let name: Vec<u8> = field.iter().copied().take_while(|byte| allowed.contains(byte)).collect();
    let has_ended = name.len() < field.len() || field.len() == 20;
    if has_ended { Err(ProtocolError::WrongMechanism { wanted: MechanismName::new(&name) }) } else { Ok(()) }
}

/// `command-size %d5 "READY" metadata`, or another command in its place.
fn ready(body: &[u8]) -> Result<(SocketType, Option<Duration>), ProtocolError> {
    match body {
        [5, b'R', b'E', b'A', b'D', b'Y', properties @ ..] => metadata(properties),
        [5, b'E', b'R', b'R', b'O', b'R', ..] => Err(ProtocolError::RefusedByPeer),
        [4, b'P', b'I', b'N', b'G', time_and_context @ ..] if !(2..=18).contains(&time_and_context.len()) => {
            Err(ProtocolError::BadCommand)
        }
        [length, name @ ..] if *length > 0 && usize::from(*length) <= name.len() => {
            Err(ProtocolError::NotReady)
        }
        _ => Err(ProtocolError::BadCommand),
    }
}

/// `*property`, each a name, whatever its case, and a value; of two with one name the later counts.
fn metadata(mut properties: &[u8]) -> Result<(SocketType, Option<Duration>), ProtocolError> {
    let (mut found, mut alive_every) = (None, None);
    while let [length, rest @ ..] = properties {
        let name = rest
            .get(..usize::from(*length))
            .filter(|name| !name.is_empty())
            .ok_or(ProtocolError::BadReady)?;
        let rest = rest.get(name.len()..).unwrap_or_default();
        let [a, b, c, d, rest @ ..] = rest else { return Err(ProtocolError::BadReady) };
        let size = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
        let value = rest.get(..size).ok_or(ProtocolError::BadReady)?;
        if name.eq_ignore_ascii_case(b"socket-type") {
            let known = TYPES.iter().find(|known| known.as_str().as_bytes() == value);
            found = Some(*known.ok_or(ProtocolError::WrongSocketType)?);
        } else if name.eq_ignore_ascii_case(b"x-alive-every") {
            let millis = std::str::from_utf8(value).ok().and_then(|digits| digits.parse::<u32>().ok());
            alive_every = millis.map(|millis| Duration::from_millis(millis.into()));
        }
        properties = rest.get(size..).unwrap_or_default();
    }
    Ok((found.ok_or(ProtocolError::BadReady)?, alive_every))
}
