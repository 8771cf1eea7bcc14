//! What travels between a publisher and its subscribers besides events: positions, marks, and SYNC (docs/design.md#wire-format).

mod packing;
mod position;

mod control;
mod loss_record;
mod mark;

mod applied_report;
mod full_sync;
pub(crate) mod hello;
mod publisher_hello;
mod sync;

pub use applied_report::{AppliedReport, HandlerError};
pub use control::Control;
pub use full_sync::{FullSyncReply, FullSyncRequest, RowSource, StoredRow, Tables};
pub use loss_record::LossRecord;
pub use mark::Mark;
pub use position::Position;
pub use publisher_hello::PublisherHello;
pub use sync::{MAX_EPOCHS, MAX_SYNC_ITEMS, SyncItem, SyncReply, SyncReplyKind, SyncRequest};
