use std::fmt;

use serde::{Deserialize, Serialize};

/// One start of a node: a random number of 64 bits. Two starts of one node differ, and so do two nodes that were given
/// one id by mistake.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instance(u64);

impl Instance {
    /// Draws a new one. 64 bits: among 10,000 instances, two are equal with a probability of about 3 in 10¹².
    #[must_use]
    pub fn random() -> Self {
        Self(fastrand::u64(1..))
    }

    /// The instance of this number, for tests.
    #[must_use]
    pub const fn of(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// 16 hexadecimal digits.
impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
