use serde::Serialize;

use crate::PublisherEpoch;

/// What a subscriber reports besides events, at its place in the stream.
///
/// `publisher` is the registered endpoint; for a link to one address of a name, it is the
/// [`link_endpoint`](crate::link_endpoint).
///
/// As JSON: `{"notice":"link_down","publisher":"tcp://192.0.2.1:8866","reason":"…"}`.
///
/// What a notice means for an application that keeps rows and receives from a tracked subscriber of the crate
/// `delivery`:
///
/// | notice | meaning |
/// |---|---|
/// | `LinkUp`, `AddressAdded`, `AddressRemoved` | information only |
/// | `LinkDown`, `Stale`, `Recovering` | the rows may be behind, until `Live` |
/// | `Subscribed` | events from now on arrive; the missed ones are requested, or a `Resync` follows |
/// | `Gap` | events are missing at this place; recovered events, a snapshot or a `Resync` follow |
/// | `Resync` | missing events do not follow: compare the rows with the database |
/// | `Live` | the rows are current again |
/// | `SubscriptionRefused` | no event of this subscription arrives from this publisher, whatever `Live` states |
/// | `DuplicatePublisher` | an operator must change a setting |
/// | `Refused` | sealed events cannot be opened, or others are not accepted: an operator must look after keys, or after a forger |
///
/// A driver reports links, `Subscribed` and the gaps of its own queue; on a broker also `Stale` and `Resync`. The
/// tracker of the crate `delivery` reports the others.
///
/// ```
/// use pubsub_api::Notice;
///
/// /// Returns whether the rows must be compared with the database.
/// fn needs_comparison(notice: &Notice) -> bool {
///     matches!(notice, Notice::Resync { .. })
/// }
///
/// let reason = "the publisher has restarted".to_owned();
/// assert!(needs_comparison(&Notice::Resync { publisher: None, topic: None, reason }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// A registered name resolves to one more address: the subscriber starts to connect to it, and later notices of
    /// this endpoint concern that address.
    AddressAdded {
        /// The endpoint of the link to this address.
        publisher: String,
    },
    /// A name does not resolve to this address any more: its link has ended, and no notice of this endpoint follows. A
    /// `Resync` follows if a publisher was received only there.
    AddressRemoved {
        /// The endpoint of the link to this address.
        publisher: String,
    },
    /// A connection is established. Subscriptions may not be in force yet.
    LinkUp {
        /// The endpoint of the publisher.
        publisher: String,
    },
    /// A connection is lost; events published from now until the next `Subscribed` may be missed.
    LinkDown {
        /// The endpoint of the publisher.
        publisher: String,
        /// The reason, as text.
        reason: String,
    },
    /// The first `$hello` of a publisher on this connection: every event that it publishes from now on arrives. If a
    /// proxy connects several publishers, each of them, and each of its epochs, has its own notice. On a broker: all
    /// subscriptions are confirmed, for the first time on this connection or again after `Stale`.
    Subscribed {
        /// The endpoint of the publisher.
        publisher: String,
        /// The publisher and epoch of the hello, if the hello has a stamp.
        #[serde(skip_serializing_if = "Option::is_none")]
        publisher_epoch: Option<PublisherEpoch>,
    },
    /// Events are known to be missing at this place.
    Gap {
        /// The topic; absent if any topic may be affected.
        #[serde(skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
        /// The number of missing events.
        events: u64,
        /// The reason, as text.
        reason: String,
    },
    /// Events of a topic are missing, or may be, and are requested: the data is behind until `Live`.
    Recovering {
        /// The endpoint of the publisher.
        publisher: String,
        /// The topic.
        topic: String,
        /// The reason, as text.
        reason: String,
    },
    /// The rows of the subscriber may differ from the truth: compare them with the database.
    Resync {
        /// The endpoint of the publisher; absent if any publisher may be affected.
        #[serde(skip_serializing_if = "Option::is_none")]
        publisher: Option<String>,
        /// The topic; absent if any topic may be affected.
        #[serde(skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
        /// The reason, as text.
        reason: String,
    },
    /// Nothing confirms any more that the data from the endpoint is current, until `Live` without a topic: its link is
    /// lost, one of its publishers is silent, or one has more topics than are followed. A broker's driver reports it
    /// when the broker refuses a desired subscription; the next `Subscribed` ends it. For a name: no address of it was
    /// ever reached, until one is.
    Stale {
        /// The endpoint of the publisher, or the registered endpoint of a name.
        publisher: String,
        /// The reason, as text.
        reason: String,
    },
    /// The data is current again: every event up to the publisher's last one was delivered or reported as missing.
    Live {
        /// The endpoint of the publisher.
        publisher: String,
        /// The topic; absent for all topics of the publisher, after `Stale` or `Subscribed`.
        #[serde(skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
    },
    /// Events are dropped because they are sealed and cannot be opened, or because only sealed ones are accepted. Their
    /// numbers count as missing. It is reported once a minute for each publisher.
    Refused {
        /// The endpoint of the publisher, or the first eight bytes of the id that the events claim in hexadecimal digits;
        /// absent if they claim none.
        #[serde(skip_serializing_if = "Option::is_none")]
        publisher: Option<String>,
        /// The topic of the last of them.
        topic: String,
        /// Why the last of them was dropped: `not_authentic`, `unknown_key`, `not_sealed`, or `no_keyring`.
        cause: String,
        /// The number of events since the last report.
        events: u64,
        /// The reason, as text.
        reason: String,
    },
    /// The publisher refuses a subscription, because this subscriber has no right to it: no event of it arrives from
    /// there, and none is requested. It precedes the `Subscribed` of the connection. A publisher that grants the right
    /// later disconnects the subscriber, which is served then without a further request of the application.
    SubscriptionRefused {
        /// The endpoint of the publisher.
        publisher: String,
        /// The topic or pattern, as text.
        subscription: String,
        /// The reason, as text.
        reason: String,
    },
    /// Two running publishers use the same id: give one of them another (`publisher_id`).
    DuplicatePublisher {
        /// The id that both use, its first eight bytes in hexadecimal digits.
        id: String,
        /// Their endpoints.
        publishers: Vec<String>,
    },
}
