/// Identifies a block of one [`Batch`](crate::Batch), until the batch is cleared or its last event is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockId(pub(super) u32);
