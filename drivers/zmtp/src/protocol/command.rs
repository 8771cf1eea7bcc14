use std::time::Duration;

use super::ProtocolError;
use super::frame::put_command;

/// The longest context of a PING, which its PONG echoes (RFC 37, "Connection Heartbeating").
pub const MAX_PING_CONTEXT_BYTES: usize = 16;

const RETRY_AFTER: &[u8] = b"RETRY-AFTER";

/// A command of the traffic, or of the handshake.
///
/// ```
/// use drivers_zmtp::protocol::{Command, FrameHead};
///
/// let ping = Command::Ping { ttl: 30, context: b"abc" };
/// let mut frame = Vec::new();
/// ping.put(&mut frame);
/// let head = FrameHead::read(&frame)?.expect("a whole frame");
/// assert!(head.command);
/// assert_eq!(Command::read(&frame[head.head..])?, ping);
/// assert_eq!(Command::read(b"\x05LATER")?, Command::Unknown);
/// # Ok::<(), drivers_zmtp::protocol::ProtocolError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// The peer is ready; its properties, not yet read.
    Ready(&'a [u8]),
    /// The peer refuses; its reason.
    Error(&'a [u8]),
    /// Asks for all topics that begin with this.
    Subscribe(&'a [u8]),
    /// Takes one such request back.
    Cancel(&'a [u8]),
    /// Wants a PONG with the same context.
    Ping {
        /// The tenths of a second without traffic after which the peer asks to be considered dead; 0 for never.
        ttl: u16,
        /// To be echoed.
        context: &'a [u8],
    },
    /// Answers a PING.
    Pong,
    /// The peer stops, and asks this end to connect again after this time, in whole milliseconds. Not a command of ZMTP: our
    /// publishers send it to our subscribers, and every other peer skips what it does not know.
    RetryAfter(Duration),
    /// One that we do not know: to be ignored, as later versions may have more.
    Unknown,
}

impl<'a> Command<'a> {
    /// Reads the body of a command frame.
    ///
    /// # Errors
    /// [`ProtocolError::BadCommand`] if it has no name, or a PING without its time to live or with too long a context.
    pub fn read(body: &'a [u8]) -> Result<Self, ProtocolError> {
        let (length, rest) = body.split_first().ok_or(ProtocolError::BadCommand)?;
        let (name, data) = rest.split_at_checked(usize::from(*length)).ok_or(ProtocolError::BadCommand)?;
        match name {
            b"" => Err(ProtocolError::BadCommand),
            b"READY" => Ok(Self::Ready(data)),
            b"ERROR" => Ok(Self::Error(data)),
            b"SUBSCRIBE" => Ok(Self::Subscribe(data)),
            b"CANCEL" => Ok(Self::Cancel(data)),
            b"PING" => match data.split_first_chunk::<2>() {
                Some((ttl, context)) if context.len() <= MAX_PING_CONTEXT_BYTES => {
                    Ok(Self::Ping { ttl: u16::from_be_bytes(*ttl), context })
                }
                _ => Err(ProtocolError::BadCommand),
            },
            b"PONG" => Ok(Self::Pong),
            RETRY_AFTER => {
                let millis = data.first_chunk::<4>().ok_or(ProtocolError::BadCommand)?;
                Ok(Self::RetryAfter(Duration::from_millis(u32::from_be_bytes(*millis).into())))
            }
            _ => Ok(Self::Unknown),
        }
    }

    /// Appends the frame of this command; nothing for [`Unknown`](Self::Unknown).
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ready(data) => put_command(out, "READY", &[data]),
            Self::Error(reason) => put_command(out, "ERROR", &[&error_reason(reason)]),
            Self::Subscribe(prefix) => put_command(out, "SUBSCRIBE", &[prefix]),
            Self::Cancel(prefix) => put_command(out, "CANCEL", &[prefix]),
            Self::Ping { ttl, context } => put_command(out, "PING", &[&ttl.to_be_bytes(), context]),
            Self::Pong => Self::put_pong(out, b""),
            Self::RetryAfter(time) => {
                let millis = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
                put_command(out, "RETRY-AFTER", &[&millis.to_be_bytes()]);
            }
            Self::Unknown => {}
        }
    }

    /// Appends the PONG for a PING with this context.
    pub fn put_pong(out: &mut Vec<u8>, context: &[u8]) {
        put_command(out, "PONG", &[context]);
    }
}

/// An ERROR's reason has its length in front.
fn error_reason(reason: &[u8]) -> Vec<u8> {
    let length = u8::try_from(reason.len()).unwrap_or(u8::MAX);
    let mut sized = vec![length];
    sized.extend(reason.iter().take(usize::from(length)));
    sized
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Command;
    use crate::protocol::{FrameHead, ProtocolError};

    #[test]
    fn commands_read_back() {
        for command in [
            Command::Ready(b"properties"),
            Command::Subscribe(b""),
            Command::Subscribe(&[b'x'; 300]),
            Command::Cancel(b"D"),
            Command::Ping { ttl: 30, context: b"0123456789abcdef" },
            Command::Pong,
            Command::RetryAfter(Duration::from_millis(1_234)),
        ] {
            let mut bytes = Vec::new();
            command.put(&mut bytes);
            let head = FrameHead::read(&bytes).unwrap().unwrap();
            assert!(head.command && head.body == (bytes.len() - head.head) as u64);
            assert_eq!(Command::read(&bytes[head.head..]), Ok(command));
        }
    }

    #[test]
    fn wrong_bodies_are_refused_and_unknown_names_are_not() {
        for body in [
            &b""[..],
            b"\0",
            b"\x05PIN",
            b"\x04PING",
            b"\x04PING\0",
            b"\x04PING\0\x000123456789abcdefg",
            b"\x0bRETRY-AFTER\0\0\0",
        ] {
            assert_eq!(Command::read(body), Err(ProtocolError::BadCommand), "{body:?}");
        }
        assert_eq!(Command::read(b"\x04JOINgroup"), Ok(Command::Unknown));
    }
}
