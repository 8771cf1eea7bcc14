use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Result, Topic, TopicRights};

/// The subscriptions of peers, as a publisher's driver sees them, and a way to send to one of the peers.
///
/// [`Publisher::subscribers_seen`](crate::Publisher::subscribers_seen) returns it; drivers that have it promise
/// [`sees_subscribers`](crate::Capabilities::sees_subscribers). Contract:
///
/// - A subscription is reported after it is in force in the driver: events published from then on, to all or to this
///   peer, reach the peer if the subscription covers the topic.
/// - Unread reports are bounded: if the driver's queue is full, [`Missed`](SubscriptionSeen::Missed) replaces those
///   that do not fit.
/// - One task reads; concurrent readers steal each other's reports.
///
/// ```
/// use bytes::Bytes;
/// use pubsub_api::{Result, SubscribersSeen, Topic};
///
/// /// Sends the latest event of a topic to each new subscriber of it.
/// async fn welcome(seen: &dyn SubscribersSeen, topic: &Topic, latest: &Bytes) -> Result<()> {
///     loop {
///         if let Some(peer) = seen.next().await?.newcomer_to(topic) {
///             // A peer without room is behind anyway, and has disconnected or will request what it misses.
///             let _ = seen.send_to(peer, topic, latest);
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait SubscribersSeen: Send + Sync {
    /// Returns the next subscription or cancellation of a peer; waits for it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after the publisher's `close`.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call returns the same report.
    async fn next(&self) -> Result<SubscriptionSeen>;

    /// Sends an event to one peer only, after the events that were sent before. Does not wait: returns `false` if the
    /// peer has disconnected, has no subscription or no right to the topic, or has no room.
    fn send_to(&self, peer: PeerId, topic: &Topic, payload: &Bytes) -> bool;
}

/// One connection of one peer, distinct from all others that a publisher has or had.
///
/// The number has no meaning outside of the publisher that assigned it, and is never used again, also not by a peer
/// that reconnects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub u64);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer {}", self.0)
    }
}

/// A change of a peer's subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionSeen {
    /// It subscribes to topics that begin with `prefix`; to all topics if that is empty.
    Subscribed {
        /// The peer.
        peer: PeerId,
        /// The prefix: any bytes. It may begin topics that the peer has no right to.
        prefix: Bytes,
        /// The topics that the driver sends to it; all if the driver knows no rights.
        rights: TopicRights,
    },
    /// It cancels a subscription, itself or because it disconnected.
    Cancelled {
        /// The peer.
        peer: PeerId,
        /// The prefix as received: any bytes.
        prefix: Bytes,
    },
    /// More changes occurred than the bounded queue holds: any peer may be new.
    Missed {
        /// The number of changes that were dropped.
        count: u64,
    },
}

impl SubscriptionSeen {
    /// Returns the peer that is new to `topic` after this change.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use pubsub_api::{HELLO, PeerId, SEND_ALL, SubscriptionSeen, TopicRights};
    ///
    /// let seen = SubscriptionSeen::Subscribed {
    ///     peer: PeerId(7),
    ///     prefix: Bytes::from_static(b"$hel"),
    ///     rights: TopicRights::ALL,
    /// };
    /// assert_eq!(seen.newcomer_to(&HELLO), Some(PeerId(7)));
    /// assert_eq!(seen.newcomer_to(&SEND_ALL), None);
    /// ```
    #[must_use]
    pub fn newcomer_to(&self, topic: &Topic) -> Option<PeerId> {
        match self {
            Self::Subscribed { peer, prefix, rights }
                if topic.as_bytes().starts_with(prefix) && rights.allows(topic) =>
            {
                Some(*peer)
            }
            _ => None,
        }
    }
}
