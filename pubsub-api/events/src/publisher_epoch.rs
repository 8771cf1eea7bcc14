use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

/// One epoch of a publisher, from its start to its end: each stamp begins with it, and its `$hello` carries it.
///
/// As JSON: `{"publisher":"5f1c0b5e2a9d4c11","epoch":1795262492000000}`. The publisher is sixteen hexadecimal digits,
/// because JSON readers commonly round numbers above 2⁵³.
///
/// ```
/// use events::PublisherEpoch;
///
/// let first = PublisherEpoch { publisher: 0x5f1c_0b5e_2a9d_4c11, epoch: 1 };
/// let after_restart = PublisherEpoch { epoch: 2, ..first };
/// assert!(after_restart > first);
/// assert_eq!(first.to_string(), "publisher 5f1c0b5e2a9d4c11 in epoch 1");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublisherEpoch {
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
    /// The epoch: a higher one is a later start.
    pub epoch: u64,
}

impl fmt::Display for PublisherEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "publisher {:016x} in epoch {}", self.publisher, self.epoch)
    }
}

impl Serialize for PublisherEpoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("PublisherEpoch", 2)?;
        fields.serialize_field("publisher", &format_args!("{:016x}", self.publisher))?;
        fields.serialize_field("epoch", &self.epoch)?;
        fields.end()
    }
}
