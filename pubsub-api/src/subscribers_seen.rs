use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Result, Topic};

/// Who subscribes, as a publisher's driver sees it, and a way to send to one of them.
///
/// Reached by [`Publisher::subscribers_seen`](crate::Publisher::subscribers_seen); drivers that have it promise
/// [`sees_subscribers`](crate::Capabilities::sees_subscribers). Contract:
///
/// - A subscription is seen after the driver has put it in force: what is published from then on, to all or to this peer,
///   reaches the peer if it covers the topic.
/// - What nobody reads is bounded: when the driver's queue is full, [`Missed`](SubscriptionSeen::Missed) stands in its
///   place.
/// - One task reads; a second reader takes away what the first one wants.
#[async_trait]
pub trait SubscribersSeen: Send + Sync {
    /// The next subscription or cancellation that a peer made; waits for it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after the publisher's `close`.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call yields what this one would have.
    async fn next(&self) -> Result<SubscriptionSeen>;

    /// Puts an event into the stream of one peer only, after what that was already given. It does not wait: `false` if the
    /// peer is gone, does not want the topic, or has no room.
    fn send_to(&self, peer: PeerId, topic: &Topic, payload: &Bytes) -> bool;
}

/// One connection of one peer, told apart from all others that a publisher has or had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub u64);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer {}", self.0)
    }
}

/// What a peer did about its subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionSeen {
    /// It wants topics that begin with `prefix`, all topics if that is empty.
    Subscribed {
        /// Who.
        peer: PeerId,
        /// As it came: any bytes.
        prefix: Bytes,
    },
    /// It wants them no longer, of itself or because it is gone.
    Cancelled {
        /// Who.
        peer: PeerId,
        /// As it came: any bytes.
        prefix: Bytes,
    },
    /// More came than the bounded queue holds: any peer may be new.
    Missed {
        /// How many.
        count: u64,
    },
}

impl SubscriptionSeen {
    /// The peer that is new to `topic` by this.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use pubsub_api::{HELLO, PeerId, SEND_ALL, SubscriptionSeen};
    ///
    /// let seen = SubscriptionSeen::Subscribed { peer: PeerId(7), prefix: Bytes::from_static(b"$hel") };
    /// assert_eq!(seen.newcomer_to(&HELLO), Some(PeerId(7)));
    /// assert_eq!(seen.newcomer_to(&SEND_ALL), None);
    /// ```
    #[must_use]
    pub fn newcomer_to(&self, topic: &Topic) -> Option<PeerId> {
        match self {
            Self::Subscribed { peer, prefix } if topic.as_bytes().starts_with(prefix) => Some(*peer),
            _ => None,
        }
    }
}
