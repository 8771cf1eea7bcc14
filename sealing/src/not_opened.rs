use std::fmt;

/// Why a subscriber drops an event instead of opening it. Counters and notices use its [cause](NotOpened::cause) as a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOpened {
    /// The event is not sealed, and the settings accept sealed events only.
    NotSealed,
    /// The keyring lacks the key of this id.
    UnknownKey(String),
    /// The event was not sealed with the key of its id, or was changed after that, or came under another topic.
    NotAuthentic,
}

impl NotOpened {
    /// Returns the name of the cause in counters and notices; the names are stable.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::NotSealed => "not_sealed",
            Self::UnknownKey(_) => "unknown_key",
            Self::NotAuthentic => "not_authentic",
        }
    }
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSealed => f.write_str("the event is not sealed, and sealing.accept = \"sealed\""),
            Self::UnknownKey(id) => {
                write!(f, "the keyring lacks the key {id:?} with which the event is sealed")
            }
            Self::NotAuthentic => f.write_str(
                "the event is not authentic: it is forged, was changed on its way, or is on another topic",
            ),
        }
    }
}

impl std::error::Error for NotOpened {}
