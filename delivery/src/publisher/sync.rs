//! How a publisher serves subscribers that are behind: replays from the ring, snapshots, and all rows of the database.
//!
//! The limits, the queue, the decision and the snapshots are state machines; [`sync_server`] is the task that drives them.

mod growth;
mod replay_policy;
mod reply_rate;
pub(super) mod sync_queue;

mod ahead;
mod compaction;
mod follower;
pub(super) mod replay;
pub(super) mod snapshot_cache;
pub(super) mod snapshot_reader;
pub(super) mod snapshots;
mod unfit;
mod unread_records;

mod reply_stream;
mod request_limits;
mod rows_server;
pub(super) mod sync_server;
