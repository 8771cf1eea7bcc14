//! A publisher on a broker: each process numbers its own events, without a ring, a hello or SYNC
//! (docs/decisions/0010-redis-as-broker.md).

mod admission;
mod block;
mod metrics;
mod options;
mod outbox;
mod topics;

mod outgoing;
mod session;

mod marks;
mod sending;

mod pump;
mod status;

mod broker_publisher;

pub use broker_publisher::BrokerPublisher;
pub use options::BrokerOptions;
