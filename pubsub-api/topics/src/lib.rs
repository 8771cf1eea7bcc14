//! The names that events are published on, and what a subscriber wants of them (docs/design.md#topics).
//!
//! A [`Topic`] is a checked name, a [`Pattern`] matches topics, and [`Subscriptions`] decide which events a subscriber
//! receives; [`TopicRights`] decide which it may receive. `pubsub-api` re-exports all of it; only the crates below it name this crate.
//!
//! ```
//! use topics::{HELLO, Pattern, SEND_ALL, Subscriptions, Topic};
//!
//! let mut wanted = Subscriptions::default();
//! wanted.insert(SEND_ALL.into());
//! wanted.insert("tenant-*".parse::<Pattern>()?.into());
//!
//! assert!(wanted.wants(&SEND_ALL));
//! assert!(wanted.wants(&Topic::new("tenant-1")?));
//! assert!(!wanted.wants(&Topic::new("router-1")?));
//! assert!(!wanted.wants(&HELLO), "wildcards match no reserved topic");
//! # Ok::<(), errors::Error>(())
//! ```

mod pattern;
mod subscription;
mod topic;
mod topic_rights;

pub use pattern::Pattern;
pub use subscription::{Subscription, Subscriptions};
pub use topic::{HELLO, MARK_PREFIX, SEND_ALL, Topic};
pub use topic_rights::TopicRights;
