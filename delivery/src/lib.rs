//! Delivery: nothing is lost without being told (docs/design.md#delivery).
//!
//! A publisher numbers its events per topic, keeps the latest in a ring, and says in marks how far it is. A subscriber
//! tracks each topic of each publisher by these numbers, and asks for what is missing.

mod control;
mod full_sync;
mod mark;
mod owned_file;
mod position;
mod publisher;
mod settings;
mod sync;
mod token_bucket;

pub mod rows;
pub mod saved;
pub mod subscriber;

pub use full_sync::{FullSyncAnswer, FullSyncRequest, RowSource, StoredRow, Tables};
pub use mark::{Control, Lost, Mark};
pub use position::Position;
pub use publisher::{
    BrokerOptions, BrokerPublisher, Identity, IdentitySource, PublisherOptions, StampedPublisher,
    publisher_id, publisher_key,
};
pub use settings::KeptSettings;
pub use sync::{Answer, AnswerKind, MAX_EPOCHS, MAX_WANTS, SyncRequest, Want};
