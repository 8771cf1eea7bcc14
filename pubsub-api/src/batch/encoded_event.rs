use events::wire::RowSpan;

use super::WorkerPosition;

/// One event of a [`Batch`](crate::Batch): its two frames as they travel. Neither of them is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedEvent<'a> {
    /// The first frame.
    pub topic: &'a [u8],
    /// The second frame: a msgpack map (see [`wire`](crate::wire)).
    pub payload: &'a [u8],
    /// The worker that sent it and its sequence number there; `None` if workers do not number their events.
    pub origin: Option<WorkerPosition>,
    /// Where its row is in the payload, if a check of the event has [noted](crate::Edit::Note) it.
    pub row: Option<RowSpan>,
}
