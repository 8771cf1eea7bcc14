mod skipped_message;

use std::ops::Range;

use pubsub_api::Topic;
use pubsub_api::wire::{MAX_RECEIVED_BYTES, WireError};

use super::{Command, FrameHead, ProtocolError};
use skipped_message::SkippedMessage;

/// Finds events in the traffic of a peer that sends them.
///
/// An event is a message of two frames. Other messages are stepped over whole, however they arrive, and named by their
/// cause; the connection stays. Only what is never sent by mistake ends it: a frame of more than 16 MiB, more
/// than 16 frames, wrong flags.
#[derive(Debug)]
pub struct EventDecoder {
    skip: Option<SkippedMessage>,
    max_payload_bytes: u64,
    /// An empty first frame of a message is stepped over.
    accepts_delimiter: bool,
}

impl Default for EventDecoder {
    fn default() -> Self {
        Self::with_payloads_up_to(MAX_RECEIVED_BYTES)
    }
}

/// The largest command; a PING has 23 bytes, and no peer subscribes here.
const MAX_COMMAND_BYTES: u64 = 4096;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// Nothing complete yet: more bytes are needed after those that are not used.
    Incomplete,
    /// An event; where in the bytes its two frames' bodies stand.
    Event {
        /// The topic, not checked.
        topic: Range<usize>,
        /// The map, not checked.
        payload: Range<usize>,
    },
    /// A message that is no event was stepped over.
    Dropped(WireError),
    /// A command.
    Command(Command<'a>),
}

impl EventDecoder {
    /// A decoder that accepts payloads of at most this number of bytes, and skips events with larger ones.
    #[must_use]
    pub fn with_payloads_up_to(max_payload_bytes: usize) -> Self {
        Self { skip: None, max_payload_bytes: max_payload_bytes as u64, accepts_delimiter: false }
    }

    /// One that also accepts an empty frame before the two of an event, the delimiter of the request-reply envelope (RFC 28,
    /// "The REQ Socket Type"). Some libraries let a DEALER send it, the crate `rzmq` (0.5.28) by default.
    #[must_use]
    pub fn accepting_delimiters(self) -> Self {
        Self { accepts_delimiter: true, ..self }
    }

    /// The next item of `arrived`, and the number of bytes that it uses up.
    ///
    /// # Errors
    /// A [`ProtocolError`] that ends the connection.
    #[inline]
    pub fn next<'a>(&mut self, arrived: &'a [u8]) -> Result<(usize, Decoded<'a>), ProtocolError> {
        if self.skip.is_some() {
            return self.step_over(arrived);
        }
        let Some(mut first) = FrameHead::read(arrived)? else { return Ok((0, Decoded::Incomplete)) };
        if first.command {
            return command(arrived, first);
        }
        let mut start = 0;
        if self.accepts_delimiter && first.body == 0 && first.more {
            start = first.head;
            let rest = arrived.get(start..).unwrap_or_default();
            let Some(next) = FrameHead::read(rest)? else { return Ok((0, Decoded::Incomplete)) };
            if next.command {
                return Err(ProtocolError::CommandInMessage);
            }
            first = next;
        }
        if !first.more {
            return self.start_to_skip(arrived, WireError::FrameCount);
        }
        if first.body > Topic::MAX_RESERVED_BYTES as u64 {
            return self.start_to_skip(arrived, WireError::BadTopic);
        }
        let topic = body(first, start);
        let rest = arrived.get(topic.end..).unwrap_or_default();
        let Some(second) = FrameHead::read(rest)? else { return Ok((0, Decoded::Incomplete)) };
        if second.command {
            return Err(ProtocolError::CommandInMessage);
        }
        if second.more {
            return self.start_to_skip(arrived, WireError::FrameCount);
        }
        if second.body > self.max_payload_bytes {
            return self.start_to_skip(arrived, WireError::TooBig);
        }
        let payload = body(second, topic.end);
        if arrived.len() < payload.end {
            return Ok((0, Decoded::Incomplete));
        }
        Ok((payload.end, Decoded::Event { topic, payload }))
    }

    #[cold]
    fn start_to_skip<'a>(
        &mut self,
        arrived: &'a [u8],
        cause: WireError,
    ) -> Result<(usize, Decoded<'a>), ProtocolError> {
        self.skip = Some(SkippedMessage::new(cause));
        self.step_over(arrived)
    }

    #[cold]
    fn step_over<'a>(&mut self, arrived: &'a [u8]) -> Result<(usize, Decoded<'a>), ProtocolError> {
        let Some(skip) = &mut self.skip else { return Ok((0, Decoded::Incomplete)) };
        let (used, ended) = skip.step_over(arrived)?;
        let Some(cause) = ended else { return Ok((used, Decoded::Incomplete)) };
        self.skip = None;
        Ok((used, Decoded::Dropped(cause)))
    }
}

/// Where the body of a frame stands that begins at `start`; its size was checked against a small bound.
#[inline]
fn body(head: FrameHead, start: usize) -> Range<usize> {
    let begin = start + head.head;
    begin..begin + usize::try_from(head.body).unwrap_or(usize::MAX - begin)
}

fn command(arrived: &[u8], head: FrameHead) -> Result<(usize, Decoded<'_>), ProtocolError> {
    if head.body > MAX_COMMAND_BYTES {
        return Err(ProtocolError::FrameTooLong);
    }
    let body = body(head, 0);
    let end = body.end;
    match arrived.get(body) {
        None => Ok((0, Decoded::Incomplete)),
        Some(body) => Ok((end, Decoded::Command(Command::read(body)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Decoded, EventDecoder};
    use crate::protocol::{Command, ProtocolError, put_event};
    use pubsub_api::wire::{MAX_RECEIVED_BYTES, WireError};

    /// What is found when the bytes come in pieces of `piece`.
    fn decode(bytes: &[u8], piece: usize) -> Result<Vec<String>, ProtocolError> {
        let (mut decoder, mut found, mut from) = (EventDecoder::default(), Vec::new(), 0);
        for to in (0..bytes.len()).step_by(piece).map(|at| (at + piece).min(bytes.len())) {
            loop {
                let (used, decoded) = decoder.next(&bytes[from..to])?;
                let text = |range: std::ops::Range<usize>| {
                    String::from_utf8_lossy(&bytes[from..to][range]).into_owned()
                };
                match decoded {
                    Decoded::Incomplete => {
                        from += used;
                        break;
                    }
                    Decoded::Event { topic, payload } => {
                        found.push(format!("{}={}", text(topic), text(payload)));
                    }
                    Decoded::Dropped(cause) => found.push(cause.cause().to_owned()),
                    Decoded::Command(command) => found.push(format!("{command:?}")),
                }
                from += used;
            }
        }
        assert_eq!(from, bytes.len(), "everything is used up");
        Ok(found)
    }

    #[test]
    fn an_empty_first_frame_is_stepped_over_where_it_is_accepted() {
        let mut bytes = vec![1, 0];
        put_event(&mut bytes, b"D", b"map");
        for length in 0..bytes.len() {
            let (used, found) =
                EventDecoder::default().accepting_delimiters().next(&bytes[..length]).unwrap();
            assert_eq!((used, found), (0, Decoded::Incomplete), "cut at {length}");
        }
        let mut accepting = EventDecoder::default().accepting_delimiters();
        let event = Decoded::Event { topic: 4..5, payload: 7..10 };
        assert_eq!(accepting.next(&bytes), Ok((bytes.len(), event)));
        assert_eq!(
            EventDecoder::default().next(&bytes),
            Ok((bytes.len(), Decoded::Dropped(WireError::FrameCount))),
            "a SUB gets none"
        );
        for (odd, length) in
            [(&b"\x01\0\0\x03one"[..], 7), (b"\x01\0\x01\0\x01\x01D\0\x01m", 10), (b"\0\0", 2)]
        {
            let dropped = Decoded::Dropped(WireError::FrameCount);
            assert_eq!(accepting.next(odd), Ok((length, dropped)), "{odd:?}");
        }
        assert_eq!(accepting.next(b"\x01\0\x04\x05\x04PONG"), Err(ProtocolError::CommandInMessage));
    }

    #[test]
    fn events_and_commands_come_out_however_the_bytes_are_cut() {
        let mut bytes = Vec::new();
        put_event(&mut bytes, b"D", b"one");
        Command::Ping { ttl: 0, context: b"c" }.put(&mut bytes);
        put_event(&mut bytes, b"tenant", &[b'x'; 300]);
        put_event(&mut bytes, b"", b"");
        for piece in [1, 2, 3, 7, 64, 1000] {
            let found = decode(&bytes, piece).unwrap();
            let ping = format!("{:?}", Command::Ping { ttl: 0, context: b"c" });
            assert_eq!(
                found,
                ["D=one".to_owned(), ping, format!("tenant={}", "x".repeat(300)), "=".to_owned()]
            );
        }
    }

    #[test]
    fn what_is_no_event_is_stepped_over_by_cause_and_the_next_event_comes() {
        let big = u64::try_from(MAX_RECEIVED_BYTES + 1).unwrap();
        let mut too_big = b"\x01\x01D\x02".to_vec();
        too_big.extend_from_slice(&big.to_be_bytes());
        too_big.resize(too_big.len() + MAX_RECEIVED_BYTES + 1, 0);
        let mut long_topic = b"\x03\0\0\0\0\0\0\x01\x06".to_vec();
        long_topic.resize(9 + 262, b't');
        long_topic.extend_from_slice(b"\0\x01x");
        for (bytes, cause) in [
            (b"\0\x03one".to_vec(), WireError::FrameCount),
            (b"\x01\x01D\x01\x01x\0\x01y".to_vec(), WireError::FrameCount),
            (long_topic, WireError::BadTopic),
            (too_big, WireError::TooBig),
        ] {
            let mut bytes = bytes;
            put_event(&mut bytes, b"D", b"next");
            for piece in [1, 5, 4096] {
                assert_eq!(decode(&bytes, piece).unwrap(), [cause.cause(), "D=next"]);
            }
        }
    }

    #[test]
    fn what_nobody_sends_by_mistake_ends_the_connection() {
        let mut parts = b"\x01\0".repeat(17);
        parts.extend_from_slice(b"\0\0");
        let cases: [(&[u8], ProtocolError); 6] = [
            (&parts, ProtocolError::TooManyFrames),
            (b"\x01\x01D\x02\0\0\0\x02\0\0\0\0", ProtocolError::FrameTooLong),
            (b"\x02\0\0\x01\0\0\0\0\0", ProtocolError::FrameTooLong),
            (b"\x01\x01D\x04\x05\x04PONG", ProtocolError::CommandInMessage),
            (b"\x06\0\0\0\0\0\x01\0\0", ProtocolError::FrameTooLong),
            (b"\x10\0", ProtocolError::BadFlags),
        ];
        for (bytes, wanted) in cases {
            for piece in [1, 100] {
                assert_eq!(decode(bytes, piece), Err(wanted), "{bytes:?}");
            }
        }
    }
}
