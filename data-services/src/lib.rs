//! The data services engine.

mod address;
mod difference;
mod instance;
mod names;
mod node_entry;
mod node_instance;
mod packet;
mod row;
mod row_key;
mod stream_name;

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the shell that drives it follows"))]
mod calls;
mod link;
#[expect(dead_code, reason = "the shell that drives it follows")]
mod membership;
mod tables;

pub use address::Address;
pub use calls::{CallError, CallErrorKind};
pub use difference::Difference;
pub use instance::Instance;
pub use membership::PeerState;
pub use names::{BusId, MAX_NAME_BYTES, MethodId, NodeId, ServiceId, TableId};
pub use node_entry::{NodeEntry, ServiceEntry, ServiceState};
pub use node_instance::NodeInstance;
pub use row::Row;
pub use row_key::{KeyColumns, RowKey};
pub use stream_name::StreamName;
pub use tables::{StreamPhase, TableChange, TableUpdate};
