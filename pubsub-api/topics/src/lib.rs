//! The names that events are published on, and what a subscriber wants of them (docs/design.md#topics).
//!
//! A [`Topic`] is a checked name, a [`Pattern`] matches topics, and [`Subscriptions`] decide which events a subscriber
//! receives. `pubsub-api` re-exports all of it; only the crates below it name this crate.

mod pattern;
mod subscription;
mod topic;

pub use pattern::Pattern;
pub use subscription::{Subscription, Subscriptions};
pub use topic::{HELLO, MARK_PREFIX, SEND_ALL, Topic};
