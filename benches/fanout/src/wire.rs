//! The bytes that pushers and drains send and receive, by protocol: pure functions.

mod nats;
mod redis;
mod zmtp;

use pubsub_api::Result;

/// The protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// ZMTP 3.0: PUSH at the pusher, SUB at the drains.
    Zmtp,
    /// The same with our acknowledged hop: DEALER at the pusher, which introduces itself as a worker.
    Hop,
    /// Events as in ZMTP, without greeting and subscription.
    Bare,
    /// NATS, not verbose.
    Nats,
    /// Redis, RESP2.
    Redis,
}

/// The end of a server to which a connection belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Push,
    Subscribe,
}

/// The next message in a stream of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its length in bytes.
    pub(crate) bytes: usize,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// An event, with the position of its payload.
    Event { payload_at: usize },
    /// The server has greeted.
    Greeting,
    /// The server expects the [`pong`](Wire::pong).
    Ping,
    /// The answer to one pushed event.
    Receipt,
    /// Something that needs no answer.
    Nothing,
}

impl Wire {
    /// The bytes to send right after connecting.
    pub(crate) fn opening(self, end: End, topics: &[String]) -> Vec<u8> {
        match (self, end) {
            (Self::Hop, End::Push) => zmtp::opening(zmtp::DEALER),
            (Self::Zmtp, End::Push) => zmtp::opening(zmtp::PUSH),
            (Self::Zmtp | Self::Hop, End::Subscribe) => zmtp::opening(zmtp::SUB),
            (Self::Redis, End::Subscribe) => redis::subscribe(topics),
            (Self::Redis, End::Push) | (Self::Bare | Self::Nats, _) => Vec::new(),
        }
    }

    /// Whether the server must have greeted before the first event is pushed.
    pub(crate) fn is_greeted(self) -> bool {
        matches!(self, Self::Zmtp | Self::Hop | Self::Nats)
    }

    /// The bytes to send after the server's greeting.
    pub(crate) fn after_greeting(self, end: End, topics: &[String]) -> Vec<u8> {
        match (self, end) {
            (Self::Zmtp | Self::Hop, End::Subscribe) => zmtp::subscribe(topics),
            (Self::Hop, End::Push) => zmtp::introduction(),
            (Self::Nats, End::Subscribe) => [nats::CONNECT.to_vec(), nats::subscribe(topics)].concat(),
            (Self::Nats, End::Push) => nats::CONNECT.to_vec(),
            (Self::Zmtp, End::Push) | (Self::Bare | Self::Redis, _) => Vec::new(),
        }
    }

    /// The answer to a [`What::Ping`].
    pub(crate) fn pong(self) -> &'static [u8] {
        match self {
            Self::Nats => nats::PONG,
            Self::Zmtp | Self::Hop | Self::Bare | Self::Redis => b"",
        }
    }

    /// Whether every pushed event is answered with a [`What::Receipt`].
    pub(crate) fn has_receipts(self) -> bool {
        self == Self::Redis
    }

    /// The bytes of an event before and after its payload.
    pub(crate) fn frame(self, topic: &str, payload_bytes: usize) -> (Vec<u8>, &'static [u8]) {
        match self {
            Self::Zmtp | Self::Hop | Self::Bare => (zmtp::before(topic, payload_bytes), b""),
            Self::Nats => (format!("PUB {topic} {payload_bytes}\r\n").into_bytes(), b"\r\n"),
            Self::Redis => (redis::before(topic, payload_bytes), b"\r\n"),
        }
    }

    /// The first piece of `bytes`; `None` while it is incomplete.
    ///
    /// # Errors
    /// If the server reports an error, or sends something that is invalid in this protocol.
    pub(crate) fn next(self, bytes: &[u8]) -> Result<Option<Piece>> {
        match self {
            Self::Zmtp | Self::Hop | Self::Bare => zmtp::next(bytes),

            Self::Nats => nats::next(bytes),
            Self::Redis => redis::next(bytes),
        }
    }
}

/// The first line of `bytes`, without its end; `None` while it is incomplete.
fn line(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..bytes.windows(2).position(|two| two == b"\r\n")?)
}

/// The number at the end of a line.
fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The beginning of invalid input, for an error.
fn beginning(bytes: &[u8]) -> String {
    const SHOWN: usize = 48;
    bytes.get(..SHOWN.min(bytes.len())).unwrap_or_default().escape_ascii().to_string()
}
