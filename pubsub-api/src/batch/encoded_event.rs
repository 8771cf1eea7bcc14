use super::Origin;

/// One event of a [`Batch`](crate::Batch): its two frames as they travel, neither of them checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedEvent<'a> {
    /// The first frame.
    pub topic: &'a [u8],
    /// The second frame: a msgpack map (see [`wire`](crate::wire)).
    pub payload: &'a [u8],
    /// Which worker sent it under which number; `None` where nobody numbers.
    pub origin: Option<Origin>,
}
