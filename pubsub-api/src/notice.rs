use serde::Serialize;

/// What a subscriber learns besides events, at its place in the stream.
///
/// `publisher` is always the endpoint as it was registered.
///
/// As JSON: `{"notice":"link_down","publisher":"tcp://192.0.2.1:8866","reason":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// A connection stands. Subscriptions may still be on their way.
    LinkUp {
        /// The endpoint of the publisher.
        publisher: String,
    },
    /// A connection is gone; events published from now until the next `Subscribed` may be missed.
    LinkDown {
        /// The endpoint of the publisher.
        publisher: String,
        /// Why, in words.
        reason: String,
    },
    /// The first `$hello` since the connection stands: every event published from now on arrives.
    Subscribed {
        /// The endpoint of the publisher.
        publisher: String,
    },
    /// Events are known to be missing at this place.
    Gap {
        /// How many.
        events: u64,
        /// Why, in words.
        reason: String,
    },
    /// What the subscriber has may differ from the truth: compare it with the database.
    Resync {
        /// Why, in words.
        reason: String,
    },
    /// Nothing proves any more that the data is current.
    Stale {
        /// Why, in words.
        reason: String,
    },
    /// The data is current again.
    Live,
}
