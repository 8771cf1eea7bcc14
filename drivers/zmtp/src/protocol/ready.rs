use std::time::Duration;

use super::frame::put_command;
use super::{Peer, ProtocolError, SocketType};

const SOCKET_TYPE: &[u8] = b"Socket-Type";
const IDENTITY: &[u8] = b"Identity";

/// The name of the peer's host, of our own subscribers. RFC 23 reserves names that begin with `X-` for applications, and
/// libzmq skips those that it does not know.
const NODE: &[u8] = b"X-Node";

/// How often the peer sends something without being pinged, in milliseconds as decimal digits, of our own subscribers.
const ALIVE_EVERY: &[u8] = b"X-Alive-Every";

/// That a publisher judges whole subscriptions by the rights of the peer, of our own publishers (docs/design.md#rights-by-topic).
const JUDGES_SUBSCRIPTIONS: &[u8] = b"X-Judges-Subscriptions";

/// What a READY states.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ready<'a> {
    pub(super) socket_type: SocketType,
    /// The name of the peer's host, if it is one.
    pub(super) node: Option<&'a str>,
    /// The longest time between two messages that the peer sends while it receives.
    pub(super) alive_every: Option<Duration>,
    /// Whether the peer judges whole subscriptions.
    pub(super) judges_subscriptions: bool,
}

impl Ready<'_> {
    /// The peer that stated this, of ZMTP 3.0, for an end of this type.
    pub(super) fn met_as(&self, own_type: SocketType) -> Peer {
        let Self { socket_type, alive_every, judges_subscriptions, .. } = *self;
        Peer { socket_type, own_type, minor: 0, alive_every, judges_subscriptions }
    }
}

/// What a READY states of this end, besides its type.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Statement {
    /// The name of this host.
    pub(super) node: Option<&'static str>,
    /// The longest time between two messages that this end sends while it receives.
    pub(super) alive_every: Option<Duration>,
    /// Whether this end judges whole subscriptions.
    pub(super) judges_subscriptions: bool,
}

/// Appends a READY.
pub(super) fn put_ready(out: &mut Vec<u8>, own: SocketType, statement: Statement) {
    put_command(out, "READY", &[&properties(own, statement)]);
}

/// What a READY states, and the metadata of CURVE: the socket type, an empty identity for a DEALER, as libzmq does, and what is
/// to be known of this end.
pub(super) fn properties(own: SocketType, statement: Statement) -> Vec<u8> {
    let mut data = Vec::new();
    put_property(&mut data, SOCKET_TYPE, own.as_str().as_bytes());
    if own == SocketType::Dealer {
        put_property(&mut data, IDENTITY, b"");
    }
    if let Some(node) = statement.node {
        put_property(&mut data, NODE, node.as_bytes());
    }
    if let Some(every) = statement.alive_every {
        put_property(&mut data, ALIVE_EVERY, every.as_millis().to_string().as_bytes());
    }
    if statement.judges_subscriptions {
        put_property(&mut data, JUDGES_SUBSCRIPTIONS, b"1");
    }
    data
}

fn put_property(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(name);
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(value);
}

/// The properties of a READY; all are read to the end, names whatever their case.
///
/// An Identity is only a claim of the peer: it is ignored (docs/guarantees.md#f58). So is the name of its host, which only
/// logs and the status show.
pub(super) fn read_ready(mut data: &[u8]) -> Result<Ready<'_>, ProtocolError> {
    let (mut socket_type, mut node, mut alive_every, mut judges_subscriptions) = (None, None, None, false);
    while !data.is_empty() {
        let (name, value, rest) = property(data).ok_or(ProtocolError::BadReady)?;
        if name.eq_ignore_ascii_case(SOCKET_TYPE) {
            socket_type = Some(SocketType::from_name(value).ok_or(ProtocolError::WrongSocketType)?);
        } else if name.eq_ignore_ascii_case(NODE) {
            node = std::str::from_utf8(value).ok().filter(|node| is_host_name(node));
        } else if name.eq_ignore_ascii_case(ALIVE_EVERY) {
            let millis = std::str::from_utf8(value).ok().and_then(|digits| digits.parse::<u32>().ok());
            alive_every = millis.map(|millis| Duration::from_millis(millis.into()));
        } else if name.eq_ignore_ascii_case(JUDGES_SUBSCRIPTIONS) {
            judges_subscriptions = value == b"1";
        }
        data = rest;
    }
    let socket_type = socket_type.ok_or(ProtocolError::BadReady)?;
    Ok(Ready { socket_type, node, alive_every, judges_subscriptions })
}

/// The longest name of a host, in bytes (HOST_NAME_MAX).
const MAX_NODE_BYTES: usize = 64;

/// Whether a name can stand in a log line as it is.
pub(super) fn is_host_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=MAX_NODE_BYTES).contains(&name.len()) && name.bytes().all(is_plain)
}

/// Name, value and what follows.
fn property(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = data.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (value, rest) = rest.split_at_checked(length)?;
    (!name.is_empty()).then_some((name, value, rest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Ready, Statement, put_property, put_ready, read_ready};
    use crate::protocol::{ProtocolError, SocketType};

    #[test]
    fn a_ready_has_the_socket_type_whatever_else_it_has() {
        for own in [SocketType::Sub, SocketType::Dealer, SocketType::Pull] {
            let mut bytes = Vec::new();
            put_ready(&mut bytes, own, Statement::default());
            assert_eq!(read_ready(&bytes[2 + 1 + 5..]), Ok(plain(own)));
        }
        let mut odd = Vec::new();
        put_property(&mut odd, b"Identity", &[7; 300]);
        put_property(&mut odd, b"socket-TYPE", b"XSUB");
        put_property(&mut odd, b"X-Anything", b"");
        assert_eq!(read_ready(&odd), Ok(plain(SocketType::Xsub)));
    }

    fn plain(socket_type: SocketType) -> Ready<'static> {
        Ready { socket_type, node: None, alive_every: None, judges_subscriptions: false }
    }

    #[test]
    fn the_time_between_signs_of_life_is_read_in_milliseconds() {
        let mut bytes = Vec::new();
        let alive_every = Some(Duration::from_millis(1500));
        put_ready(&mut bytes, SocketType::Sub, Statement { alive_every, ..Statement::default() });
        let with_time = Ready { alive_every, ..plain(SocketType::Sub) };
        assert_eq!(read_ready(&bytes[2 + 1 + 5..]), Ok(with_time));
        for invalid in [&b""[..], b"-1", b"1.5", b"4294967296", b"\xff"] {
            let mut odd = Vec::new();
            put_property(&mut odd, b"Socket-Type", b"SUB");
            put_property(&mut odd, b"X-Alive-Every", invalid);
            assert_eq!(read_ready(&odd), Ok(plain(SocketType::Sub)), "{invalid:?}");
        }
    }

    #[test]
    fn a_publisher_states_that_it_judges_subscriptions() {
        let mut bytes = Vec::new();
        put_ready(
            &mut bytes,
            SocketType::Pub,
            Statement { judges_subscriptions: true, ..Statement::default() },
        );
        let judging = Ready { judges_subscriptions: true, ..plain(SocketType::Pub) };
        assert_eq!(read_ready(&bytes[2 + 1 + 5..]), Ok(judging));
    }

    #[test]
    fn a_node_is_named_if_its_name_can_stand_in_a_log_line() {
        let long = "n".repeat(65);
        for (name, is_one) in
            [("compute-7.example", true), ("", false), ("a b", false), ("\x1b[2J", false), (&long, false)]
        {
            let mut bytes = Vec::new();
            put_property(&mut bytes, b"Socket-Type", b"SUB");
            put_property(&mut bytes, b"X-Node", name.as_bytes());
            let read = read_ready(&bytes).unwrap();
            assert_eq!(read.node, is_one.then_some(name));
        }
    }

    #[test]
    fn wrong_properties_are_refused() {
        let mut good = Vec::new();
        put_property(&mut good, b"Socket-Type", b"SUB");
        for length in 0..good.len() {
            assert_eq!(read_ready(&good[..length]), Err(ProtocolError::BadReady), "cut at {length}");
        }
        let mut unknown = Vec::new();
        put_property(&mut unknown, b"Socket-Type", b"RADIO");
        assert_eq!(read_ready(&unknown), Err(ProtocolError::WrongSocketType));
        assert_eq!(read_ready(b"\0\0\0\0\0"), Err(ProtocolError::BadReady));
        assert_eq!(read_ready(b"\x01a\xff\xff\xff\xff"), Err(ProtocolError::BadReady));
    }
}
