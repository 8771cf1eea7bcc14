/// Identifies a source of one batch, as long as [`BlockId`](crate::BlockId) identifies a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceId(pub(super) u32);
