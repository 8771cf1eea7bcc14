use crate::IdempotencyKey;

/// How often a call may run, and whether it is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Delivery {
    /// The call runs at most once, and an error ends it.
    #[default]
    AtMostOnce,
    /// As [`AtMostOnce`](Self::AtMostOnce), also for repeats that the caller makes: a call with a key that the callee knows
    /// waits for the run of the first one, or gets its result, also from another node or after a restart of the caller. The
    /// callee keeps a key until 10 minutes after the deadline of its call, but not over its own restart. It forgets the key of
    /// a run that was interrupted: by its deadline, or because its service stopped.
    Keyed(IdempotencyKey),
    /// As [`Keyed`](Self::Keyed), and the engine repeats the call until there is a result or the deadline: after the loss of
    /// the callee, without an acknowledgement, and while the service is overloaded, stopping or absent. It prefers another
    /// instance. The method runs again if the first instance was lost or interrupted after it had begun: a method with
    /// instances that share state compares [`Call::key`](crate::Call::key) itself.
    Retried(IdempotencyKey),
}

impl Delivery {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> Option<&IdempotencyKey> {
        match self {
            Self::AtMostOnce => None,
            Self::Keyed(key) | Self::Retried(key) => Some(key),
        }
    }
}
