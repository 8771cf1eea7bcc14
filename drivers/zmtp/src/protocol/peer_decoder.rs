use super::{Command, FrameHead, ProtocolError};

/// The longest prefix that may be subscribed to, in bytes (docs/guarantees.md#f57). The topics of marks have at most 261.
pub const MAX_PREFIX_BYTES: usize = 1024;

/// The largest frame of a subscriber: a prefix and the name of its command.
const MAX_FRAME_BYTES: u64 = MAX_PREFIX_BYTES as u64 + 16;

/// Takes subscriptions and heartbeats out of the traffic of a peer that reads from us.
///
/// Subscriptions come as commands (RFC 37) or as messages whose first byte is 1 or 0 (RFC 23); either is taken from every
/// peer. Other messages, such as those of an XSUB's application, are stepped over.
#[derive(Debug, Default)]
pub struct PeerDecoder {
    in_message: bool,
}

/// A message of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerMessage<'a> {
    /// Not all of it is there yet.
    Incomplete,
    /// It wants every topic that begins with this.
    Subscribe(&'a [u8]),
    /// It takes one such request back.
    Cancel(&'a [u8]),
    /// It wants a PONG.
    Ping {
        /// Its time to live in tenths of a second, 0 for none.
        ttl: u16,
        /// To be echoed.
        context: &'a [u8],
    },
    /// It answered a PING.
    Pong,
    /// A message or command that means nothing here.
    Other,
}

impl PeerDecoder {
    /// The item at the start of `arrived`, and the number of bytes that it uses up.
    ///
    /// # Errors
    /// A [`ProtocolError`] that ends the connection; a frame that is too long is refused before it arrives.
    pub fn next<'a>(&mut self, arrived: &'a [u8]) -> Result<(usize, PeerMessage<'a>), ProtocolError> {
        let Some(head) = FrameHead::read(arrived)? else { return Ok((0, PeerMessage::Incomplete)) };
        if head.body > MAX_FRAME_BYTES {
            return Err(ProtocolError::FrameTooLong);
        }
        let end = head.head.saturating_add(usize::try_from(head.body).unwrap_or(usize::MAX));
        let Some(body) = arrived.get(head.head..end) else { return Ok((0, PeerMessage::Incomplete)) };
        let said = if head.command { self.command(body)? } else { self.message(head.more, body) };
        match said {
            PeerMessage::Subscribe(prefix) | PeerMessage::Cancel(prefix)
                if prefix.len() > MAX_PREFIX_BYTES =>
            {
                Err(ProtocolError::SubscriptionTooLong)
            }
            said => Ok((end, said)),
        }
    }

    fn command<'a>(&self, body: &'a [u8]) -> Result<PeerMessage<'a>, ProtocolError> {
        if self.in_message {
            return Err(ProtocolError::CommandInMessage);
        }
        Ok(match Command::read(body)? {
            Command::Subscribe(prefix) => PeerMessage::Subscribe(prefix),
            Command::Cancel(prefix) => PeerMessage::Cancel(prefix),
            Command::Ping { ttl, context } => PeerMessage::Ping { ttl, context },
            Command::Pong => PeerMessage::Pong,
            Command::Ready(_) | Command::Error(_) | Command::RetryAfter(_) | Command::Unknown => {
                PeerMessage::Other
            }
        })
    }

    fn message<'a>(&mut self, more: bool, body: &'a [u8]) -> PeerMessage<'a> {
        let alone = !more && !self.in_message;
        self.in_message = more;
        match body.split_first() {
            Some((1, prefix)) if alone => PeerMessage::Subscribe(prefix),
            Some((0, prefix)) if alone => PeerMessage::Cancel(prefix),
            _ => PeerMessage::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_PREFIX_BYTES, PeerDecoder, PeerMessage};
    use crate::protocol::{Command, ProtocolError};

    fn one(bytes: &[u8]) -> Result<(usize, PeerMessage<'_>), ProtocolError> {
        PeerDecoder::default().next(bytes)
    }

    #[test]
    fn subscriptions_come_as_commands_and_as_messages() {
        for (bytes, wanted) in [
            (&b"\x04\x0b\x09SUBSCRIBED"[..], PeerMessage::Subscribe(b"D")),
            (b"\x04\x08\x06CANCELD", PeerMessage::Cancel(b"D")),
            (b"\0\x02\x01D", PeerMessage::Subscribe(b"D")),
            (b"\0\x01\x01", PeerMessage::Subscribe(b"")),
            (b"\0\x02\0D", PeerMessage::Cancel(b"D")),
            (b"\0\x02\x02D", PeerMessage::Other),
            (b"\0\0", PeerMessage::Other),
            (b"\x04\x06\x04JOINg", PeerMessage::Other),
        ] {
            assert_eq!(one(bytes), Ok((bytes.len(), wanted)));
            for length in 0..bytes.len() {
                assert_eq!(one(&bytes[..length]), Ok((0, PeerMessage::Incomplete)));
            }
        }
    }

    #[test]
    fn frames_of_a_longer_message_are_no_subscriptions() {
        let mut decoder = PeerDecoder::default();
        assert_eq!(decoder.next(b"\x01\x02\x01D"), Ok((4, PeerMessage::Other)));
        assert_eq!(decoder.next(b"\x00\x02\x01D"), Ok((4, PeerMessage::Other)));
        assert_eq!(decoder.next(b"\x00\x02\x01D"), Ok((4, PeerMessage::Subscribe(b"D"))));
    }

    #[test]
    fn too_long_subscriptions_are_refused_by_their_announcement() {
        let mut longest = Vec::new();
        Command::Subscribe(&[b'x'; MAX_PREFIX_BYTES]).put(&mut longest);
        assert_eq!(one(&longest).unwrap().1, PeerMessage::Subscribe(&[b'x'; MAX_PREFIX_BYTES]));
        let mut longer = Vec::new();
        Command::Cancel(&[b'x'; MAX_PREFIX_BYTES + 1]).put(&mut longer);
        assert_eq!(one(&longer), Err(ProtocolError::SubscriptionTooLong));
        assert_eq!(one(b"\x02\0\0\0\0\0\x10\0\0"), Err(ProtocolError::FrameTooLong));
    }
}
