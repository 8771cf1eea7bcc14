use std::fmt;

use crate::Instance;

/// A call of this node: the instance that is called, and the number of the call there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CallId {
    pub(super) target: Instance,
    pub(super) number: u64,
}

/// `call 7 to 00c0ffee00c0ffee`.
impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {} to {}", self.number, self.target)
    }
}
