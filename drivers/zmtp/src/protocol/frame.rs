use super::ProtocolError;

pub(super) const MORE: u8 = 0b001;
const LONG: u8 = 0b010;
pub(super) const COMMAND: u8 = 0b100;

/// The flags and the size in front of a frame's body.
///
/// ```
/// use drivers_zmtp::protocol::{FrameHead, put_event};
///
/// let mut bytes = Vec::new();
/// put_event(&mut bytes, b"D", b"\x80");
/// assert_eq!(bytes, b"\x01\x01D\x00\x01\x80", "flags, size and topic, then flags, size and map");
/// let head = FrameHead { more: true, command: false, body: 1, head: 2 };
/// assert_eq!(FrameHead::read(&bytes), Ok(Some(head)));
/// assert_eq!(FrameHead::read(b"\x02\x00\x00"), Ok(None), "a long head has nine bytes");
/// assert!(FrameHead::read(b"\x80").is_err(), "a flag that RFC 37 reserves");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    /// Another frame of the same message follows.
    pub more: bool,
    /// The body is a command.
    pub command: bool,
    /// The number of bytes of the body, as the peer announces it.
    pub body: u64,
    /// How many bytes the head itself has: 2 or 9.
    pub head: usize,
}

impl FrameHead {
    /// The most bytes that a head has.
    pub const MAX_BYTES: usize = 9;

    /// Reads the head at the start of `bytes`; `None` if not all of it is there.
    ///
    /// # Errors
    /// [`ProtocolError::BadFlags`]; [`ProtocolError::FrameTooLong`] for a size with the highest bit, which RFC 37 has not.
    #[inline]
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, ProtocolError> {
        let [flags, short, rest @ ..] = bytes else {
            return match bytes {
                [flags] if !are_known(*flags) => Err(ProtocolError::BadFlags),
                _ => Ok(None),
            };
        };
        if !are_known(*flags) {
            return Err(ProtocolError::BadFlags);
        }
        let (more, command) = (flags & MORE != 0, flags & COMMAND != 0);
        if flags & LONG == 0 {
            return Ok(Some(Self { more, command, body: u64::from(*short), head: 2 }));
        }
        let Some(low) = rest.first_chunk::<7>() else { return Ok(None) };
        let body = low.iter().fold(u64::from(*short), |size, byte| size << 8 | u64::from(*byte));
        if body >> 63 != 0 {
            return Err(ProtocolError::FrameTooLong);
        }
        Ok(Some(Self { more, command, body, head: 9 }))
    }
}

#[inline]
fn are_known(flags: u8) -> bool {
    flags & !(MORE | LONG | COMMAND) == 0 && flags & (COMMAND | MORE) != COMMAND | MORE
}

/// Appends an event: two frames, the topic and the map.
pub fn put_event(out: &mut Vec<u8>, topic: &[u8], payload: &[u8]) {
    put_event_head(out, topic, payload.len());
    out.extend_from_slice(payload);
}

/// Appends an event's topic frame and the head of its map; the map of that length is to follow.
#[inline]
pub fn put_event_head(out: &mut Vec<u8>, topic: &[u8], payload_bytes: usize) {
    put_head(out, MORE, topic.len());
    out.extend_from_slice(topic);
    put_head(out, 0, payload_bytes);
}

/// Appends a command frame of a name and data (RFC 37, `command`).
pub(super) fn put_command(out: &mut Vec<u8>, name: &str, data: &[&[u8]]) {
    let length = 1 + name.len() + data.iter().map(|part| part.len()).sum::<usize>();
    put_head(out, COMMAND, length);
    out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(name.as_bytes());
    for part in data {
        out.extend_from_slice(part);
    }
}

/// Appends the frame of a command whose body stands in these parts, its name included.
pub(super) fn put_command_body(out: &mut Vec<u8>, parts: &[&[u8]]) {
    put_head(out, COMMAND, parts.iter().map(|part| part.len()).sum());
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

#[inline]
pub(super) fn put_head(out: &mut Vec<u8>, flags: u8, length: usize) {
    match u8::try_from(length) {
        Ok(short) => out.extend_from_slice(&[flags, short]),
        Err(_) => {
            out.push(flags | LONG);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameHead, put_command, put_event};
    use crate::protocol::ProtocolError;

    #[test]
    fn sizes_up_to_255_are_short_and_all_read_back() {
        for (length, head) in [(0, 2), (1, 2), (255, 2), (256, 9), (65_536, 9), (1 << 20, 9)] {
            let mut bytes = Vec::new();
            put_event(&mut bytes, b"D", &vec![0; length]);
            assert_eq!(bytes.len(), 3 + head + length);
            let payload = FrameHead::read(&bytes[3..]).unwrap().unwrap();
            assert_eq!(payload, FrameHead { more: false, command: false, body: length as u64, head });
            let topic = FrameHead::read(&bytes).unwrap().unwrap();
            assert_eq!(topic, FrameHead { more: true, command: false, body: 1, head: 2 });
        }
    }

    #[test]
    fn a_head_that_is_not_all_there_is_waited_for() {
        let mut bytes = Vec::new();
        put_command(&mut bytes, "READY", &[&[0; 300]]);
        for length in 0..9 {
            assert_eq!(FrameHead::read(&bytes[..length]), Ok(None));
        }
        assert_eq!(
            FrameHead::read(&bytes),
            Ok(Some(FrameHead { more: false, command: true, body: 306, head: 9 }))
        );
    }

    #[test]
    fn reserved_bits_more_on_a_command_and_the_highest_bit_of_a_size_are_refused() {
        for flags in [0b1000, 0x80, 0xff, 0b101, 0b111] {
            assert_eq!(FrameHead::read(&[flags]), Err(ProtocolError::BadFlags), "{flags:#b}");
            assert_eq!(FrameHead::read(&[flags, 0]), Err(ProtocolError::BadFlags), "{flags:#b}");
        }
        let long = [2, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(FrameHead::read(&long), Err(ProtocolError::FrameTooLong));
    }
}
