//! The publisher: numbers its events, keeps the latest in a ring, announces how far it is, and serves SYNC; and without a ring,
//! on a broker.

mod identity;

mod applied;

mod announce;
mod numbering;
mod ring;
mod sequencer;
mod sync;

mod core;
mod metrics;
mod options;
mod outgoing;
mod sequencer_gauges;
mod shared_sequencer;
mod spare_buffers;
mod status;

mod stamped_publisher;
mod supervise;

mod broker;

pub use applied::{AgentReading, AgentState, RowReading};
pub use broker::{BrokerOptions, BrokerPublisher};
pub use identity::{Identity, IdentitySource, publisher_id, publisher_key};
pub use options::PublisherOptions;
pub use stamped_publisher::StampedPublisher;
