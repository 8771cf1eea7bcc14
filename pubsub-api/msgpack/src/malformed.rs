use std::fmt;

/// The reason why bytes are not a msgpack value, or not the map that was expected.
///
/// The bytes come from a peer, so a caller counts the cause and drops them; a retry with the same bytes fails in the
/// same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// The value is not a map.
    NotAMap,
    /// The bytes end inside a value, or announce more bytes than there are.
    Truncated,
    /// Arrays and maps are nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    TooDeep,
    /// A byte that msgpack never uses.
    NotMsgpack,
    /// Text that is not UTF-8.
    NotUtf8,
    /// A map would get more pairs than msgpack can count: 2³² or more.
    TooManyPairs,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAMap => "the value is not a map",
            Self::Truncated => "the bytes end inside a value",
            Self::TooDeep => "the value is nested deeper than 64 levels",
            Self::NotMsgpack => "the bytes contain one that msgpack never uses",
            Self::NotUtf8 => "text in the value is not UTF-8",
            Self::TooManyPairs => "the map would have 2³² pairs or more",
        })
    }
}

impl std::error::Error for Malformed {}
