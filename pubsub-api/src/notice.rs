use serde::Serialize;

use crate::Incarnation;

/// What a subscriber learns besides events, at its place in the stream.
///
/// `publisher` is the endpoint as it was registered; of a link to one address of a name,
/// [`link_endpoint`](crate::link_endpoint).
///
/// As JSON: `{"notice":"link_down","publisher":"tcp://192.0.2.1:8866","reason":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// A name that was registered leads to one more address: connecting to it begins, and what follows about this endpoint is
    /// about that address.
    AddressAdded {
        /// The endpoint of the link to this address.
        publisher: String,
    },
    /// A name does not lead to this address any more: its link has ended, and nothing about this endpoint follows. A `Resync`
    /// follows if a publisher was heard there that is heard nowhere else.
    AddressRemoved {
        /// The endpoint of the link to this address.
        publisher: String,
    },
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
    /// The first `$hello` of a publisher since the connection stands: every event that it publishes from now on arrives. Where
    /// a proxy stands in front of several publishers, each is introduced so, and each of their lives. On a broker: all
    /// subscriptions are confirmed, for the first time on this connection or again after `Stale`.
    Subscribed {
        /// The endpoint of the publisher.
        publisher: String,
        /// Who says hello there, if it tells.
        #[serde(skip_serializing_if = "Option::is_none")]
        incarnation: Option<Incarnation>,
    },
    /// Events are known to be missing at this place.
    Gap {
        /// On which topic; absent if any may be meant.
        #[serde(skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
        /// How many.
        events: u64,
        /// Why, in words.
        reason: String,
    },
    /// Events of a topic are missing, or may be, and are being asked for: what the subscriber has is behind until `Live`.
    Recovering {
        /// The endpoint of the publisher.
        publisher: String,
        /// The topic.
        topic: String,
        /// Why, in words.
        reason: String,
    },
    /// What the subscriber has may differ from the truth: compare it with the database.
    Resync {
        /// The endpoint of the publisher; absent if any may be meant.
        #[serde(skip_serializing_if = "Option::is_none")]
        publisher: Option<String>,
        /// The topic; absent if any may be meant.
        #[serde(skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
        /// Why, in words.
        reason: String,
    },
    /// Nothing proves any more that what came from the endpoint is current, until `Live` without a topic: its link is gone, one
    /// of the publishers behind it is silent, or one has more topics than are followed. A broker's driver reports it when the
    /// broker refuses a subscription that is wanted; the next `Subscribed` ends it. Of a name: no address of it was ever
    /// reached, until one is.
    Stale {
        /// The endpoint of the publisher, or of a name as it was registered.
        publisher: String,
        /// Why, in words.
        reason: String,
    },
    /// The data is current again: every event up to the publisher's last was delivered, or told to be missing.
    Live {
        /// The endpoint of the publisher.
        publisher: String,
        /// The topic; absent if it is all of the publisher's topics, after `Stale` or `Subscribed`.
        #[serde(skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
    },
    /// Two publishers that live at the same time claim one id: give one of them another (`publisher_id`).
    DuplicatePublisher {
        /// The id that both claim, its first eight bytes in hexadecimal digits.
        id: String,
        /// Their endpoints.
        publishers: Vec<String>,
    },
}
