use std::fmt;

/// Why a packet cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PacketRefusal {
    /// The keyring lacks the key of this id.
    UnknownKey(String),
    /// The packet was not sealed with the key of its id, or was changed after that, or came on another topic.
    NotAuthentic,
    /// The packet was opened before, or is far older than the latest one of its sender.
    Repeated,
}

impl fmt::Display for PacketRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey(id) => {
                write!(f, "the keyring lacks the key {id:?} with which it is sealed")
            }
            Self::NotAuthentic => f.write_str(
                "it is not authentic: it is forged, was changed on its way, or is on another topic",
            ),
            Self::Repeated => f.write_str("it was received before, or is so old that it may have been"),
        }
    }
}

impl std::error::Error for PacketRefusal {}
