use super::frame::put_command;
use super::{ProtocolError, SocketType};

const SOCKET_TYPE: &[u8] = b"Socket-Type";
const IDENTITY: &[u8] = b"Identity";

/// Appends a READY: the socket type, and an empty identity for a DEALER, as libzmq does.
pub(super) fn put_ready(out: &mut Vec<u8>, own: SocketType) {
    let mut data = Vec::new();
    put_property(&mut data, SOCKET_TYPE, own.as_str().as_bytes());
    if own == SocketType::Dealer {
        put_property(&mut data, IDENTITY, b"");
    }
    put_command(out, "READY", &[&data]);
}

fn put_property(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(name);
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(value);
}

/// The socket type of a READY's properties; all are read to the end, names whatever their case.
///
/// An Identity is only a claim of the peer: it is ignored (docs/guarantees.md#f58).
pub(super) fn read_ready(mut data: &[u8]) -> Result<SocketType, ProtocolError> {
    let mut socket_type = None;
    while !data.is_empty() {
        let (name, value, rest) = property(data).ok_or(ProtocolError::BadReady)?;
        if name.eq_ignore_ascii_case(SOCKET_TYPE) {
            socket_type = Some(SocketType::from_name(value).ok_or(ProtocolError::WrongSocketType)?);
        }
        data = rest;
    }
    socket_type.ok_or(ProtocolError::BadReady)
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
    use super::{put_property, put_ready, read_ready};
    use crate::protocol::{ProtocolError, SocketType};

    #[test]
    fn a_ready_has_the_socket_type_whatever_else_it_has() {
        for own in [SocketType::Sub, SocketType::Dealer, SocketType::Pull] {
            let mut bytes = Vec::new();
            put_ready(&mut bytes, own);
            assert_eq!(read_ready(&bytes[2 + 1 + 5..]), Ok(own));
        }
        let mut odd = Vec::new();
        put_property(&mut odd, b"Identity", &[7; 300]);
        put_property(&mut odd, b"socket-TYPE", b"XSUB");
        put_property(&mut odd, b"X-Anything", b"");
        assert_eq!(read_ready(&odd), Ok(SocketType::Xsub));
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
