/// The publisher, epoch and sequence of an event, and its time (docs/design.md#wire-format).
///
/// Sequences count from 1 per publisher, epoch and topic. The time is the publisher's wall clock: it is information
/// only, no decision depends on it.
///
/// On the wire it is an array of four unsigned 64-bit integers. Skimmer writes each in nine bytes, so all of its stamps
/// have one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
    /// The publisher's epoch; a higher one is later.
    pub epoch: u64,
    /// The sequence of the event on its topic.
    pub sequence: u64,
    /// The time of publication, in µs since 1970.
    pub time_us: u64,
}
