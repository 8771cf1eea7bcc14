use bench_kit::{cannot, failure};
use bytes::{Buf, Bytes, BytesMut};
use pubsub_api::Result;

/// What the server sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Received {
    /// A message on a subscription.
    Message {
        /// Its subject.
        subject: Bytes,
        /// Where the reply goes.
        reply: Option<Bytes>,
        /// Its content.
        payload: Bytes,
    },
    /// It expects a PONG.
    Ping,
    /// It has done everything that was sent before the PING.
    Pong,
    /// What needs no answer.
    Other,
}

impl Received {
    /// Takes the next one from the bytes that have arrived; `None` if it is not complete.
    ///
    /// # Errors
    /// If the server reports an error, or the bytes are not of the protocol.
    pub(super) fn take(bytes: &mut BytesMut) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
        let line = bytes.get(..end).unwrap_or_default();
        let line = std::str::from_utf8(line).map_err(cannot("read a line of the server"))?;
        let mut words = line.split(' ');
        let received = match words.next() {
            Some("MSG") => return Self::message(bytes, end),
            Some("PING") => Self::Ping,
            Some("PONG") => Self::Pong,
            Some("-ERR") => return Err(failure(format!("the NATS server reports {line}"))),
            _ => Self::Other,
        };
        bytes.advance(end + 2);
        Ok(Some(received))
    }

    /// `MSG <subject> <sid> [reply] <bytes>`, and the payload.
    fn message(bytes: &mut BytesMut, end: usize) -> Result<Option<Self>> {
        let line = bytes.get(..end).unwrap_or_default();
        let ends = |word: &[u8]| word.as_ptr() as usize - line.as_ptr() as usize + word.len();
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let (subject, reply, length) = match words.as_slice() {
            [_, subject, _, length] => (subject, None, length),
            [_, subject, _, reply, length] => (subject, Some(reply), length),
            _ => return Err(failure("a MSG of the NATS server is invalid")),
        };
        let length = std::str::from_utf8(length).ok().and_then(|text| text.parse::<usize>().ok());
        let Some(length) = length else { return Err(failure("a MSG of the NATS server has no length")) };
        let range = |word: &&[u8]| (ends(word) - word.len())..ends(word);
        let (subject, reply) = (range(subject), reply.map(range));
        let whole = end + 2 + length + 2;
        if bytes.len() < whole {
            return Ok(None);
        }
        let all = bytes.split_to(whole).freeze();
        let payload = all.slice(end + 2..end + 2 + length);
        Ok(Some(Self::Message { subject: all.slice(subject), reply: reply.map(|at| all.slice(at)), payload }))
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::Received;

    #[test]
    fn messages_are_taken_when_they_are_complete() {
        let mut bytes = BytesMut::from(&b"INFO {}\r\nPING\r\nMSG a.b 1 _INBOX.7 4\r\n\"x\""[..]);
        assert_eq!(Received::take(&mut bytes).unwrap(), Some(Received::Other));
        assert_eq!(Received::take(&mut bytes).unwrap(), Some(Received::Ping));
        assert_eq!(Received::take(&mut bytes).unwrap(), None);
        bytes.extend_from_slice(b" \r\nMSG c 2 0\r\n\r\n");
        let first = Received::Message {
            subject: "a.b".into(),
            reply: Some("_INBOX.7".into()),
            payload: "\"x\" ".into(),
        };
        assert_eq!(Received::take(&mut bytes).unwrap(), Some(first));
        let second = Received::Message { subject: "c".into(), reply: None, payload: "".into() };
        assert_eq!(Received::take(&mut bytes).unwrap(), Some(second));
        assert!(bytes.is_empty());
    }

    #[test]
    fn an_error_of_the_server_ends_the_run() {
        let mut bytes = BytesMut::from(&b"-ERR 'Stale Connection'\r\n"[..]);
        assert!(Received::take(&mut bytes).unwrap_err().to_string().contains("Stale"));
    }
}
