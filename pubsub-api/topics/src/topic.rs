use std::fmt;

use bytes::Bytes;
use errors::{Error, ErrorKind, Result};

/// The name that an event is published on, compared exactly and bytewise.
///
/// It has 1 to 255 bytes of UTF-8 without NUL; reserved ones have up to 261, for the mark of the longest topic. There
/// is no normalisation and no case folding: two spellings of one word are two topics. Names that begin with `$` are
/// reserved for Skimmer ([`is_reserved`](Topic::is_reserved)): a worker cannot publish on them.
///
/// ```
/// use topics::Topic;
///
/// let topic = Topic::new("tenant-1")?;
/// assert_eq!(topic.as_str(), "tenant-1");
/// assert!(Topic::new("").is_err());
/// # Ok::<(), errors::Error>(())
/// ```
///
/// Cloning is cheap: the bytes are shared. Source of the rule: docs/design.md#topics. NUL is excluded because some
/// brokers cannot store it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Bytes);

/// The topic to which every agent subscribes (Dragonflow's `SEND_ALL_TOPIC`).
///
/// An event without a topic of its own is published here. An agent subscribes to it in addition to its configured
/// topics.
pub const SEND_ALL: Topic = Topic(Bytes::from_static(b"D"));

/// The topic of the service's hello, published every second.
///
/// It is reserved: a driver that needs hellos subscribes to it by itself, and an application receives hellos only if it
/// subscribes to this name, or to a pattern that begins with `$`.
pub const HELLO: Topic = Topic(Bytes::from_static(b"$hello"));

/// The prefix of the topics of marks.
///
/// The mark of topic `tenant-1` is published on `$mark.tenant-1`: [`Topic::mark`].
pub const MARK_PREFIX: &[u8] = b"$mark.";

impl Topic {
    /// The maximum length of an application's topic, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// The maximum length of any topic, in bytes: that of the [mark](Topic::mark) of the longest topic.
    pub const MAX_RESERVED_BYTES: usize = Self::MAX_BYTES + MARK_PREFIX.len();

    /// Creates a topic from a valid name; reserved names are allowed, see [`is_reserved`](Topic::is_reserved).
    ///
    /// A reserved name is valid here because the service uses it; the call that publishes an application's event
    /// refuses it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the name is empty, longer than 255 bytes (261 if reserved), contains a NUL, or is not
    /// UTF-8.
    ///
    /// ```
    /// use errors::ErrorKind;
    /// use topics::Topic;
    ///
    /// assert_eq!(Topic::new("x".repeat(255))?.as_bytes().len(), Topic::MAX_BYTES);
    /// assert_eq!(Topic::new("x".repeat(256)).unwrap_err().kind(), ErrorKind::Invalid);
    /// assert_eq!(Topic::new(vec![0xff]).unwrap_err().to_string(), "a topic is UTF-8 text, this one is not");
    /// assert!(Topic::new("$hello")?.is_reserved());
    /// # Ok::<(), errors::Error>(())
    /// ```
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

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // `new` has checked the bytes; the fallback is unreachable.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the name as it is in the first frame; shares memory with the topic.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// Returns the name as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the maximum number of bytes of a topic that begins like `name`.
    ///
    /// 261 if it begins with `$`, else 255. The other bytes of the name do not matter.
    #[must_use]
    pub fn longest(name: &[u8]) -> usize {
        if name.first() == Some(&b'$') { Self::MAX_RESERVED_BYTES } else { Self::MAX_BYTES }
    }

    /// Returns the topic of this topic's marks: `$mark.` and its name.
    ///
    /// ```
    /// use topics::SEND_ALL;
    ///
    /// assert_eq!(SEND_ALL.mark().as_str(), "$mark.D");
    /// assert_eq!(SEND_ALL.mark().marked(), Some(SEND_ALL));
    /// ```
    #[must_use]
    pub fn mark(&self) -> Self {
        Self(Bytes::from([MARK_PREFIX, &self.0].concat()))
    }

    /// Returns the topic that this mark topic belongs to; `None` if this is not a mark topic.
    #[must_use]
    pub fn marked(&self) -> Option<Self> {
        let name = self.0.strip_prefix(MARK_PREFIX)?;
        Self::new(self.0.slice_ref(name)).ok()
    }

    /// Returns whether the name begins with `$`, which reserves it for Skimmer.
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
