use std::net::IpAddr;

use async_trait::async_trait;

use crate::{Batch, Envelope, PeerId, Result};

/// Requests of peers, as a publisher's driver takes them, and a way to answer (ROUTER to their DEALER).
///
/// Reached by [`Publisher::requests`](crate::Publisher::requests); drivers that have it promise
/// [`replay`](crate::Capabilities::replay). Contract:
///
/// - A request is one envelope on a reserved topic. What is none is counted and dropped by the driver.
/// - Requests of one peer come in the order in which it sent them.
/// - What nobody reads is bounded: when the driver's queue is full, a request is dropped and counted; whoever asked asks
///   again.
/// - An answer goes to the asker alone, outside of the stream of its subscriptions: any number of envelopes, in order.
/// - One task reads; a second reader takes away what the first one wants.
#[async_trait]
pub trait Requests: Send + Sync {
    /// The next request; waits for it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after the publisher's `close`.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call yields what this one would have.
    async fn next(&self) -> Result<Request>;

    /// Puts envelopes into the stream to the asker, in order. What was put leaves the batch, so `Ok` leaves it empty. While
    /// much of earlier answers waits for the peer, this waits: an asker that does not read costs a bounded amount of memory.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the peer is gone, or took nothing for so long that the
    /// driver gives it up: `dead_after`, or a multiple of that which the driver names;
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after the publisher's `close`. What is left in the batch was not put.
    ///
    /// # Cancel safety
    /// If the future is dropped, what left the batch was put, and the rest was not.
    async fn answer(&self, peer: PeerId, envelopes: &mut Batch) -> Result<()>;
}

/// One request of one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks; told apart from all other connections, whatever they claim to be.
    pub peer: PeerId,
    /// The host from which it asks, where the driver knows one: a publisher bounds what it does for one host.
    pub host: Option<IpAddr>,
    /// What it asks.
    pub envelope: Envelope,
}

/// A way to ask the publishers that a subscriber listens to (DEALER to their ROUTER).
///
/// Reached by [`Subscriber::requester`](crate::Subscriber::requester); drivers that have it promise
/// [`replay`](crate::Capabilities::replay). Contract:
///
/// - The connection for requests is made at the first request, apart from that of the events, and ends when the address is
///   unregistered or nothing was asked for a minute.
/// - When it ends while an answer is due, [`Reply::Lost`] says so: what was asked is to be asked again.
/// - When the publisher turns out to carry no requests, [`Reply::Refused`] says so: asking it again is in vain.
/// - What nobody reads is bounded: then the driver stops reading.
#[async_trait]
pub trait Requester: Send + Sync {
    /// Sends a request to the publisher at `endpoint`, as notices name it; `false` if there is no such link, or so many
    /// requests wait already that this one is dropped. A name as it was registered stands for any of its addresses. It does not
    /// wait: connecting goes on in the background.
    fn request(&self, endpoint: &str, request: Envelope) -> bool;

    /// The next part of an answer; waits for it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after the subscriber's `close`.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call yields what this one would have.
    async fn next(&self) -> Result<Reply>;
}

/// What comes back from publishers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// One envelope of an answer.
    Part {
        /// Of which publisher, as it was asked.
        endpoint: String,
        /// What it says.
        envelope: Envelope,
    },
    /// The connection for requests ended, or could not be made: what was asked and not answered will not be.
    Lost {
        /// Of which publisher, as it was asked.
        endpoint: String,
        /// Why, in words.
        reason: String,
    },
    /// The publisher takes no requests, whoever asks: its driver has no place for them. What was asked will not be answered.
    Refused {
        /// Which publisher, as it was asked.
        endpoint: String,
        /// Why, in words.
        reason: String,
    },
}
