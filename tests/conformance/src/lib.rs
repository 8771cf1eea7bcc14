//! The conformance suite: one table of [`Case`]s, each the proof of one line of the contract, that every registered
//! driver runs for each role that it has; and one of [`DatabaseCase`]s for every registered database driver.
//!
//! The contract is the docs of [`Publisher`](pubsub_api::Publisher) and [`Subscriber`](pubsub_api::Subscriber), and of
//! [`DbApi`](pubsub_api::database::DbApi), whose drivers find their databases at [`PLACES`], each case at each. A case
//! that a driver does not have to pass, by its role or by its [`Capabilities`](pubsub_api::Capabilities), shows as
//! ignored with the reason; nothing is skipped in silence. To run one driver, or one case of all:
//!
//! ```text
//! cargo test -p conformance -- memory_pubsub_driver::network
//! cargo test -p conformance -- redis_nb_db_driver::database::cluster
//! cargo test -p conformance -- recv_is_cancel_safe
//! ```
//!
//! Each case has its own folder, its own loopback address and port 0, and waits for conditions with a deadline of
//! [`PATIENCE`]. A subscription is proved by [`Notice::Subscribed`](pubsub_api::Notice), to which every network
//! publisher of the suite says `$hello` every 50 ms; one that is placed while running, by probe events.

mod broker_place;
mod case;
mod check;
mod fixture;
mod patience;
mod receiver;
mod sender;
mod trials;

mod topics;

mod patterns;

mod registration;

mod hello;

mod order;

mod batches;

mod links;

mod restarts;

mod brokers;

mod lifecycle;

mod closing;

mod payloads;

mod queues;

mod subscribers_seen;

mod confirming;

mod requests;

mod databases;

pub use broker_place::{BROKERS, BrokerClusters, BrokerKind, BrokerPlace};
pub use case::{Case, Failure, Outcome, Roles, Running};
pub use databases::{
    DATABASE_CASES, DatabaseCase, DatabaseFixture, DatabasePlace, PLACES, PlaceKind, SharedCluster,
};
pub use fixture::Fixture;
pub use patience::PATIENCE;
pub use receiver::Receiver;
pub use sender::Sender;
pub use trials::trials;

/// The table: every case, by group.
pub const CASES: &[&[Case]] = &[
    topics::CASES,
    patterns::CASES,
    registration::CASES,
    hello::CASES,
    order::CASES,
    batches::CASES,
    links::CASES,
    restarts::CASES,
    brokers::CASES,
    lifecycle::CASES,
    closing::CASES,
    payloads::CASES,
    queues::CASES,
    subscribers_seen::CASES,
    confirming::CASES,
    requests::CASES,
];
