//! One stream of events to thousands of connections.
//!
//! An event is encoded once, into a [`Block`](block::Block) that all connections share. While it is encoded, the
//! [`Filters`](filters::Filters) finds the groups of connections that want it; a group is all connections with equal filters and
//! equal rights by topic. A
//! block so knows for each group which parts of it to write, and neighbouring events are one part: a connection that wants
//! everything costs per block, and one that wants nothing of it costs nothing.
//!
//! Connections belong to [`Shard`](shard::Shard)s, each with a thread on `epoll(7)`. A shard keeps the blocks that one of
//! its connections still needs, at most `fanout_log_bytes`: a connection has only a cursor. The task that publishes also writes, as far
//! as the sockets take it; so the first event after a pause goes out without waking anybody, and under load, while the
//! writing lasts, the next events gather to a larger block.
//!
//! A DEALER is a requester: what it asks goes into the [`RequestQueue`](crate::request::RequestQueue), and what it is answered waits for it alone, in
//! [`ReplyQueue`](crate::request::router::replies::ReplyQueue), outside of the blocks. The thread of its shard writes replies, a bounded amount between two
//! looks at the blocks, so that they delay events by no more than that.
//!
//! Read in this order: `block`, `filters` and `subscriptions` (`refusal_log` is about those that a peer has no right to), `encoder`, `window`; then `connection` with its `outbox`; then
//! `acceptor`, `admission` and `close_reason`; then `shard` with its `inbox` and `shard_state`; last `engine`, which starts
//! and stops all of it, and `core`, which the shards share.

mod block;
mod filters;
mod refusal_log;
mod subscriptions;

mod encoder;
mod window;

mod connection;
mod outbox;
mod sync_event;

mod acceptor;
mod admission;
mod close_reason;

mod inbox;
mod shard;
mod shard_state;

mod counters;
mod subscriptions_seen;

mod core;
mod engine;

pub(crate) use engine::Fanout;
pub(crate) use subscriptions_seen::SubscriptionsSeen;
