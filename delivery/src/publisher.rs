//! The publisher's side: numbers, ring, marks, replay; and without a ring, on a broker.

mod identity;
mod kept_id;

mod line;
mod lineage;

mod history;
mod least_recent;
mod topics;
mod workers;

mod bytes_reader;
mod checkpoint;
mod ledger;
mod record;

mod folder;
mod open_ring;
mod rebuild;
mod ring;
mod ring_keeper;
mod ring_return;
mod segment;

mod draft;
mod mark_schedule;
mod sequencer;
mod stamp_pair;

mod answer_rate;
mod follower;
mod replay;
mod snapshot_cache;
mod sync_queue;
mod verdict;

mod core;
mod options;
mod outgoing;
mod readings;
mod status;

mod announcer;
mod rows_server;
mod snapshots;
mod stamped_publisher;
mod supervise;
mod sync_server;

mod broker_publisher;

pub use broker_publisher::{BrokerOptions, BrokerPublisher};
pub use identity::{Identity, IdentitySource, publisher_id, publisher_key};
pub use options::PublisherOptions;
pub use stamped_publisher::StampedPublisher;
