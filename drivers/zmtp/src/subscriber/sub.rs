//! The SUB socket: one subscriber, a link for each publisher.
//!
//! Read in this order:
//! - [`SubSubscriber`], which the contract names, and `requester`, its end of the request channel;
//! - `subscriber_state`: what the subscriber and its links share: `desired_subscriptions`, `queue` on a
//!   `bounded_queue`, `heard_publishers`, `counters`;
//! - `links`: all links by endpoint; `name`: one link for each address of a host name;
//! - `link`: one connection after the other, with `link_state`, its state as others see it;
//! - `connection`: one connection for events, from its handshake to its end, on a `peer_connection`, which the request
//!   channel uses too. Three state machines without I/O do its work:
//!   `sent_subscriptions` decides what to subscribe to, `inbound` finds events in the bytes that arrive, and
//!   `publisher_liveness` decides when to ping and when the publisher is dead.

mod sub_subscriber;

mod requester;

pub(crate) mod subscriber_state;

pub(crate) mod bounded_queue;
pub(crate) mod counters;
pub(crate) mod desired_subscriptions;
pub(crate) mod heard_publishers;
pub(crate) mod queue;
pub(crate) mod received_events;

mod links;
mod name;

mod link;
pub(crate) mod link_state;

mod connection;
pub(crate) mod inbound;
pub(crate) mod peer_connection;
mod publisher_liveness;
mod sent_subscriptions;

pub use sub_subscriber::SubSubscriber;
