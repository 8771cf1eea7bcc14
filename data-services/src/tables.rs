//! Published and followed tables: pure state machines of both ends. No clock, no I/O.
//!
//! # How a table reaches its followers
//! A publisher numbers the changes of each table from 1 and keeps the latest in a [ring](ring). It sends each change on the
//! topic of its stream, in parts if it is large, as long as the stream has followers. A follower tracks the sequences with
//! the [`Tracker`](delivery::subscriber::Tracker) of the delivery crate, which is checked exhaustively: an early change
//! waits, a repeated one is dropped, a missing one is requested with `Open`.
//!
//! `Open` carries the position of the follower. The publisher answers with the changes after it if the ring has them and
//! they are smaller than the table, or else with a snapshot, whose pages the follower pulls. Both end at one position, and
//! the stream continues after it. A follower is live once a mark or a change on the topic itself has shown that the
//! topic reaches it, and nothing up to the last known sequence is missing.
//!
//! A lost last change is noticed by the heads in heartbeats. A new epoch (a restarted service) always leads to a snapshot,
//! which becomes the difference to the rows that the follower has.
//!
//! # Transactions
//! Changes of one commit name each other, and a snapshot names the [partners](partners) of its table: those that changed in
//! one commit with it, each with its position in the last one. A follower of several of these tables applies what is ready in
//! [cuts](consistent_cut): after each, every commit is visible in all tables or in none. So a snapshot waits until the others
//! have caught up with it. A table that has no content yet, or has ended, is not waited for; its first content waits until it
//! has caught up with the others.

mod assembly;
mod change;
mod change_parts;
mod commit_rules;
mod consistent_cut;
mod follow_context;
mod follow_effect;
mod followed_rows;
mod followed_table;
mod followed_tables;
mod followers;
mod kept_snapshots;
mod limits;
mod message;
mod options;
mod page_pull;
mod partners;
mod publish_effect;
mod published_rows;
mod published_table;
mod published_tables;
mod request_budgets;
mod retry;
mod ring;
mod row_changes;
mod schedule;
mod stream_phase;
mod stream_record;
mod table_change;
mod table_event;
mod table_rows;
mod table_update;
mod transactions;

#[cfg(test)]
mod tests;

pub use stream_phase::StreamPhase;
pub use table_change::TableChange;
pub use table_update::TableUpdate;

pub(crate) use follow_effect::FollowEffect;
pub(crate) use followed_tables::FollowedTables;
pub(crate) use message::TableMessage;
pub(crate) use options::TableOptions;
pub(crate) use publish_effect::PublishEffect;
pub(crate) use published_rows::Prepush;
pub(crate) use published_tables::PublishedTables;
