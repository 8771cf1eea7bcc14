use std::fmt;

use bytes::Bytes;

use crate::{Error, ErrorKind, Result};

/// The name that an event is published under, matched exactly and bytewise.
///
/// 1 to 255 bytes of UTF-8 without NUL (reserved ones up to 261, for the marks of the longest); no normalisation, no case folding: two spellings of one word are two topics.
/// Names that begin with `$` are Skimmer's own; [`is_reserved`](Topic::is_reserved) tells, and
/// [`Publisher::send_event`](crate::Publisher::send_event) refuses them.
///
/// ```
/// use pubsub_api::Topic;
///
/// let topic = Topic::new("tenant-1")?;
/// assert_eq!(topic.as_str(), "tenant-1");
/// assert!(Topic::new("").is_err());
/// # Ok::<(), pubsub_api::Error>(())
/// ```
///
/// Cloning is cheap: the bytes are shared. The rule: docs/design.md#topics; NUL is excluded because some brokers cannot
/// hold it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Bytes);

/// The topic that every subscriber of a fleet takes (Dragonflow's `SEND_ALL_TOPIC`).
pub const SEND_ALL: Topic = Topic(Bytes::from_static(b"D"));

/// The topic of the service's sign of life, published every [`HELLO_INTERVAL`](crate::hello::HELLO_INTERVAL).
pub const HELLO: Topic = Topic(Bytes::from_static(b"$hello"));

/// What the topics of marks begin with.
pub const MARK_PREFIX: &[u8] = b"$mark.";

impl Topic {
    /// The longest topic of an application, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// The longest topic of all, in bytes: the [mark](Topic::mark) of a longest one.
    pub const MAX_RESERVED_BYTES: usize = Self::MAX_BYTES + MARK_PREFIX.len();

    /// Checks a name and makes it a topic; reserved names pass, see [`is_reserved`](Topic::is_reserved).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the name is empty, longer than 255 bytes, holds a NUL, or is not UTF-8.
    pub fn new(name: impl Into<Bytes>) -> Result<Self> {
        let name = name.into();
        let length = name.len();
        let limit = Self::longest(&name);
        if length == 0 || length > limit {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("a topic has 1 to {limit} bytes, this one has {length}"),
            ));
        }
        match std::str::from_utf8(&name) {
            Err(_) => Err(Error::new(ErrorKind::Invalid, "a topic is UTF-8 text, this one is not")),
            Ok(text) if text.contains('\0') => {
                Err(Error::new(ErrorKind::Invalid, "a topic holds no NUL, this one does"))
            }
            Ok(_) => Ok(Self(name)),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // `new` has checked the bytes; the fallback is unreachable.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The name as it stands in the first frame; shares memory with the topic.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// The name as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes a topic that begins like this may have.
    pub(crate) fn longest(name: &[u8]) -> usize {
        if name.first() == Some(&b'$') { Self::MAX_RESERVED_BYTES } else { Self::MAX_BYTES }
    }

    /// The topic of this one's marks: `$mark.` and its name.
    ///
    /// ```
    /// use pubsub_api::SEND_ALL;
    ///
    /// assert_eq!(SEND_ALL.mark().as_str(), "$mark.D");
    /// assert_eq!(SEND_ALL.mark().marked(), Some(SEND_ALL));
    /// ```
    #[must_use]
    pub fn mark(&self) -> Self {
        Self(Bytes::from([MARK_PREFIX, &self.0].concat()))
    }

    /// The topic whose mark this is; `None` if it is no mark's topic.
    #[must_use]
    pub fn marked(&self) -> Option<Self> {
        let name = self.0.strip_prefix(MARK_PREFIX)?;
        Self::new(self.0.slice_ref(name)).ok()
    }

    /// Whether the name begins with `$`, and so belongs to Skimmer itself.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.0.first() == Some(&b'$')
    }
}

impl From<Topic> for Bytes {
    fn from(topic: Topic) -> Self {
        topic.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::{SEND_ALL, Topic};

    #[test]
    fn a_topic_has_one_to_255_bytes_of_utf8_without_nul() {
        let longest = "x".repeat(255);
        for good in ["D", "$hello", "projekt-ü", "a.b.*", "\u{202e}rtl", "🦀", longest.as_str()] {
            assert_eq!(Topic::new(good.to_owned()).unwrap().as_str(), good);
        }
        let too_long = "x".repeat(256);
        for bad in ["", "a\0b", "\0", too_long.as_str()] {
            assert!(Topic::new(bad.to_owned()).is_err(), "{bad:?}");
        }
        assert!(Topic::new(vec![0xed, 0xa0, 0x80]).is_err(), "a lone surrogate is not UTF-8");
    }

    #[test]
    fn topics_are_compared_bytewise_and_never_normalised() {
        assert_ne!(Topic::new("u\u{308}").unwrap(), Topic::new("ü").unwrap());
        assert_ne!(Topic::new("DD").unwrap(), SEND_ALL);
    }
}
