use crate::IdempotencyKey;
use crate::calls::Invocation;
use crate::calls::tests::pair::method;

/// Which calls have one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::calls::tests::simulation) enum Keys {
    /// No call has a key.
    None,
    /// Each two calls to one node have one, from any nodes.
    Pairs,
}

impl Keys {
    /// The first call with the key of a call.
    pub(super) fn first_of(self, tag: u64) -> u64 {
        match self {
            Self::None => tag,
            Self::Pairs => tag / 2 * 2,
        }
    }

    pub(super) fn invocation(self, tag: u64) -> Invocation {
        let key = match self {
            Self::None => None,
            Self::Pairs => Some(IdempotencyKey::new(self.first_of(tag).to_string()).unwrap()),
        };
        Invocation { key, ..method("work") }
    }
}
