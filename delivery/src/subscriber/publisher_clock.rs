/// A reading of a publisher's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublisherClock {
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
    /// Microseconds since 1970, by the publisher's wall clock.
    pub time_us: u64,
}
