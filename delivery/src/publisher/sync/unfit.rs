/// Why a topic loses its snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// An event was missed, because the ring removed it before it was read, or because the publisher itself published a loss
    /// record.
    Incomplete,
    /// It was the largest topic when the cache was full.
    TooBig,
}

impl Unfit {
    /// The name of the cause in counters.
    pub(super) fn cause(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::TooBig => "too_big",
        }
    }
}
