use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

/// One life of a publisher, from its start to its end: what a stamp begins with, and what its `$hello` carries.
///
/// As JSON: `{"publisher":"5f1c0b5e2a9d4c11","epoch":1795262492000000}`, the publisher in sixteen hexadecimal digits,
/// since JSON readers commonly round above 2⁵³.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Incarnation {
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
    /// Which of its lives; higher is later.
    pub epoch: u64,
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "publisher {:016x} in epoch {}", self.publisher, self.epoch)
    }
}

impl Serialize for Incarnation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Incarnation", 2)?;
        fields.serialize_field("publisher", &format_args!("{:016x}", self.publisher))?;
        fields.serialize_field("epoch", &self.epoch)?;
        fields.end()
    }
}
