//! Delivery: no event is lost unnoticed (docs/design.md#delivery).
//!
//! A publisher numbers its events per topic, keeps the latest in a ring, and sends marks with the last sequence of each topic.
//! A subscriber tracks each topic of each publisher by these sequences, and requests missing events.
//!
//! [`StampedPublisher`] wraps the publisher of a network driver, [`BrokerPublisher`] that of a broker's driver, and
//! [`TrackedSubscriber`](subscriber::TrackedSubscriber) the subscriber of either. The decisions are in state machines
//! without clock and I/O, such as [`Tracker`](subscriber::Tracker).

mod keyring_watch;
mod publisher;
mod settings;
mod token_bucket;
mod wall_clock;
mod wire;

pub mod owned_file;
pub mod subscriber;

pub use publisher::{
    AgentReading, AgentState, BrokerOptions, BrokerPublisher, Identity, IdentitySource, PublisherOptions,
    RowReading, StampedPublisher, publisher_id, publisher_key,
};
pub use settings::KeptSettings;
pub use wire::{
    AppliedReport, Control, FullSyncReply, FullSyncRequest, HandlerError, LossRecord, MAX_EPOCHS,
    MAX_SYNC_ITEMS, Mark, Position, PublisherHello, RowSource, StoredRow, SyncItem, SyncReply, SyncReplyKind,
    SyncRequest, Tables,
};
