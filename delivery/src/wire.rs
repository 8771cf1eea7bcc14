//! What travels between a publisher and its subscribers besides events: positions, marks, and SYNC (docs/design.md#wire-format).

mod packing;
mod position;

mod mark;

mod full_sync;
mod sync;

pub use full_sync::{FullSyncAnswer, FullSyncRequest, RowSource, StoredRow, Tables};
pub use mark::{Control, Lost, Mark};
pub use position::Position;
pub use sync::{Answer, AnswerKind, MAX_EPOCHS, MAX_WANTS, SyncRequest, Want};
