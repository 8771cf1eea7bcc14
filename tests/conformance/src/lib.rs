//! The conformance suite: one table of [`Case`]s, each of which tests one line of the contract, for every registered driver
//! and each of its roles; and one of [`DatabaseCase`]s for every registered database driver.
//!
//! The contract is the documentation of [`Publisher`](pubsub_api::Publisher) and [`Subscriber`](pubsub_api::Subscriber), and
//! of [`DbApi`](pubsub_api::database::DbApi). Database drivers run each case at each of their [`PLACES`]. A case that does
//! not apply to a driver, by its role or by its [`Capabilities`](pubsub_api::Capabilities), is reported as ignored with the
//! reason; nothing is skipped silently. To run one driver, or one case of all:
//!
//! ```text
//! cargo test -p conformance -- memory_pubsub_driver::network
//! cargo test -p conformance -- redis_nb_db_driver::database::cluster
//! cargo test -p conformance -- recv_is_cancel_safe
//! ```
//!
//! Each case has its own folder, its own loopback address and port 0, and waits for conditions with a deadline of
//! [`PATIENCE`]. [`Notice::Subscribed`](pubsub_api::Notice) shows that a subscription is active; for it every network
//! publisher of the suite sends `$hello` every 50 ms. For a subscription made while running, probe events show it.

mod broker_place;
mod case;
mod check;
mod fixture;
mod outcome;
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
pub use case::{Case, Roles, Running};
pub use databases::{
    DATABASE_CASES, DatabaseCase, DatabaseFixture, DatabasePlace, PLACES, PlaceKind, SharedCluster,
};
pub use fixture::Fixture;
pub use outcome::{Failure, Outcome};
pub use patience::PATIENCE;
pub use receiver::Receiver;
pub use sender::Sender;
pub use trials::{database_driver_trials, driver_trials, trials};

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
