use std::fmt;

use msgpack::Malformed;

/// The reason why bytes are not a valid event. Counters use its [cause](WireError::cause) as a name.
///
/// The bytes are a peer's, so this is not an error of the program: the receiver counts the cause, logs it at a limited
/// rate and drops the event; the link stays. The enum is not exhaustive.
///
/// ```
/// use events::wire::{EventRef, WireError};
///
/// let error = EventRef::read(b"D", b"\x93\x01\x02\x03").unwrap_err();
/// assert_eq!(error, WireError::NotAMap);
/// assert_eq!(error.cause(), "not_a_map");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WireError {
    /// The payload exceeds [`MAX_RECEIVED_BYTES`](super::MAX_RECEIVED_BYTES), or has more pairs than a map can count.
    TooBig,
    /// The payload is not a msgpack map.
    NotAMap,
    /// The bytes end inside a value, or announce more bytes than there are.
    Truncated,
    /// Bytes follow the map.
    Trailing,
    /// Arrays and maps are nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// A byte that msgpack never uses.
    NotMsgpack,
    /// Text that is not UTF-8.
    NotUtf8,
    /// A key of the map is not text.
    KeyNotText,
    /// The map contains a key twice.
    DuplicateKey,
    /// One of `table`, `key`, `action`, `value` is absent.
    MissingField,
    /// A field has a type that it must not have.
    WrongType,
    /// The topic of the map differs from that of the frame.
    TopicMismatch,
    /// The topic is empty, too long, or not UTF-8.
    BadTopic,
    /// The number of frames is not two.
    FrameCount,
    /// A worker sent a reserved topic (`$…`).
    ReservedTopic,
    /// A worker sent an event about a table that only publisher services write.
    ReservedTable,
    /// A worker sent a `stamp`, which only the service sets.
    Stamped,
    /// A worker sent `sealed`, which only the publisher adds.
    Sealed,
}

impl WireError {
    /// Returns the name of the cause in counters and notices.
    ///
    /// The names are stable, because operators alert on them.
    #[must_use]
    pub fn cause(self) -> &'static str {
        match self {
            Self::TooBig => "too_big",
            Self::NotAMap => "not_a_map",
            Self::Truncated => "truncated",
            Self::Trailing => "trailing_bytes",
            Self::TooDeep => "too_deep",
            Self::NotMsgpack => "not_msgpack",
            Self::NotUtf8 => "not_utf8",
            Self::KeyNotText => "key_not_text",
            Self::DuplicateKey => "duplicate_key",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::TopicMismatch => "topic_mismatch",
            Self::BadTopic => "bad_topic",
            Self::FrameCount => "frame_count",
            Self::ReservedTopic => "reserved_topic",
            Self::ReservedTable => "reserved_table",
            Self::Stamped => "stamped",
            Self::Sealed => "sealed",
        }
    }
}

impl From<Malformed> for WireError {
    #[inline]
    fn from(cause: Malformed) -> Self {
        match cause {
            Malformed::NotAMap => Self::NotAMap,
            Malformed::Truncated => Self::Truncated,
            Malformed::TooDeep => Self::TooDeep,
            Malformed::NotMsgpack => Self::NotMsgpack,
            Malformed::NotUtf8 => Self::NotUtf8,
            Malformed::TooManyPairs => Self::TooBig,
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooBig => "the event map is larger than 1 MiB and 4 KiB",
            Self::NotAMap => "the payload is no msgpack map",
            Self::Truncated => "the payload ends inside a value",
            Self::Trailing => "bytes follow the map",
            Self::TooDeep => "the value is nested deeper than 64 levels",
            Self::NotMsgpack => "the payload holds a byte that msgpack never uses",
            Self::NotUtf8 => "text in the payload is not UTF-8",
            Self::KeyNotText => "a key of the map is not text",
            Self::DuplicateKey => "the map has a key twice",
            Self::MissingField => "the map lacks table, key, action or value",
            Self::WrongType => "a field of the map has the wrong type",
            Self::TopicMismatch => "the topic of the map is not the topic of the frame",
            Self::BadTopic => "the topic is not 1 to 255 bytes of UTF-8",
            Self::FrameCount => "the message has not exactly two frames",
            Self::ReservedTopic => "topics that begin with `$` are reserved",
            Self::ReservedTable => "only publisher services publish the directory of publishers",
            Self::Stamped => "only the publisher service stamps events",
            Self::Sealed => "only the publisher seals events",
        })
    }
}

impl std::error::Error for WireError {}
