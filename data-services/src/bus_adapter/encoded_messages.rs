use pubsub_api::{Error, ErrorKind, Result};

use crate::packet::Message;

/// Messages of one kind, encoded, which travel in one packet.
#[derive(Debug)]
pub(super) struct EncodedMessages {
    kind: &'static str,
    bytes: Vec<u8>,
    /// Where each message ends.
    ends: Vec<usize>,
}

/// A message is put into a packet with others while they have at most this many bytes together.
const SHARED_BYTES: usize = 64 * 1024;

/// The maximum number of messages of a packet.
const MAX_MESSAGES: usize = 1024;

impl EncodedMessages {
    /// Encodes the first message.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if it cannot be encoded.
    pub(super) fn new(message: &Message) -> Result<Self> {
        let mut messages = Self { kind: kind_of(message), bytes: Vec::new(), ends: Vec::new() };
        messages.append(message)?;
        Ok(messages)
    }

    /// Adds a message. Returns `false`, and adds nothing, if it is of another kind or does not fit.
    ///
    /// # Errors
    /// As [`new`](Self::new), and then nothing is added.
    pub(super) fn push(&mut self, message: &Message) -> Result<bool> {
        let before = self.bytes.len();
        if kind_of(message) != self.kind || self.ends.len() >= MAX_MESSAGES || before >= SHARED_BYTES {
            return Ok(false);
        }
        self.append(message)?;
        if self.bytes.len() > SHARED_BYTES {
            self.bytes.truncate(before);
            self.ends.pop();
            return Ok(false);
        }
        Ok(true)
    }

    fn append(&mut self, message: &Message) -> Result<()> {
        let before = self.bytes.len();
        match rmp_serde::encode::write(&mut self.bytes, message) {
            Ok(()) => {
                self.ends.push(self.bytes.len());
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(before);
                Err(Error::new(ErrorKind::Internal, "a message cannot be encoded").with_source(error))
            }
        }
    }

    /// The part of the engine that the messages belong to.
    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    /// The number of bytes that [`append_to`](Self::append_to) appends, at most.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len() + 3
    }

    /// Returns each message alone.
    pub(super) fn split(&self) -> impl Iterator<Item = Self> + '_ {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| {
            let bytes = self.bytes.get(start..*end).unwrap_or_default().to_vec();
            Self { kind: self.kind, ends: vec![bytes.len()], bytes }
        })
    }

    /// Appends them as a msgpack array (<https://github.com/msgpack/msgpack/blob/master/spec.md>).
    pub(super) fn append_to(&self, value: &mut Vec<u8>) {
        // At most `MAX_MESSAGES`.
        match u16::try_from(self.ends.len()).unwrap_or(u16::MAX).to_be_bytes() {
            [0, few @ 0..=15] => value.push(0x90 | few),
            [high, low] => value.extend_from_slice(&[0xdc, high, low]),
        }
        value.extend_from_slice(&self.bytes);
    }
}

/// The kind of the messages that contain rows: only these may be nested deeply.
pub(super) const WITH_ROWS: &str = "table";

/// The part of the engine that a message belongs to.
fn kind_of(message: &Message) -> &'static str {
    match message {
        Message::Membership(_) => "membership",
        Message::Table(_) => WITH_ROWS,
        Message::Call(_) => "call",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{EncodedMessages, SHARED_BYTES};
    use crate::calls::CallMessage;
    use crate::membership::MembershipMessage;
    use crate::packet::Message;

    fn result(bytes: usize) -> Message {
        Message::Call(CallMessage::Result { number: 1, parts: 0, result: Ok(Arc::from("x".repeat(bytes))) })
    }

    #[test]
    fn a_large_message_and_one_of_another_kind_go_alone() {
        let mut messages = EncodedMessages::new(&result(1)).unwrap();
        assert!(!messages.push(&Message::Membership(MembershipMessage::Goodbye)).unwrap());
        assert!(!messages.push(&result(SHARED_BYTES)).unwrap());
        assert!(messages.push(&result(2)).unwrap());
        assert_eq!(messages.ends.len(), 2);
        let mut large = EncodedMessages::new(&result(SHARED_BYTES)).unwrap();
        assert!(!large.push(&result(1)).unwrap());
    }

    #[test]
    fn messages_that_are_split_are_those_that_were_put_in() {
        let mut messages = EncodedMessages::new(&result(1)).unwrap();
        assert!(messages.push(&result(2)).unwrap());
        let alone: Vec<Message> =
            messages.split().map(|one| rmp_serde::from_slice(&one.bytes).unwrap()).collect();
        assert_eq!(alone, [result(1), result(2)]);
    }
}
