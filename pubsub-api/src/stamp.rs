/// Who published an event, in which incarnation, under which number, and when (docs/design.md#wire-format).
///
/// Numbers count from 1 per publisher, epoch and topic. The time is the publisher's wall clock: it informs, nothing is
/// decided by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The first eight bytes of the publisher's id.
    pub publisher: u64,
    /// The publisher's incarnation; higher is later.
    pub epoch: u64,
    /// The number of the event on its topic.
    pub sequence: u64,
    /// When it was published, in µs since 1970.
    pub time_us: u64,
}
