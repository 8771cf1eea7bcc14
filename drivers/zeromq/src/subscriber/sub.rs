//! The SUB socket: one subscriber, a link for each publisher.
//!
//! Read [`SubSubscriber`] first, which the contract names; then `link`, one connection to a publisher after the other, and
//! `silence`, which notices that the publisher is dead.

mod sub_subscriber;

mod link;

mod silence;

pub use sub_subscriber::SubSubscriber;
