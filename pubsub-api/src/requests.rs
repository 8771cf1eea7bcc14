use std::net::IpAddr;

use async_trait::async_trait;

use crate::{Batch, Envelope, PeerId, Result, TopicRights};

/// Receives the requests of peers at a publisher's driver, and sends replies (ROUTER to their DEALER).
///
/// [`Publisher::requests`](crate::Publisher::requests) returns it; drivers that have it promise
/// [`replay`](crate::Capabilities::replay). Contract:
///
/// - A request is one envelope on a reserved topic. Anything else is counted and dropped by the driver.
/// - Requests of one peer arrive in the order in which it sent them.
/// - Unread requests are bounded: if the driver's queue is full, a request is dropped and counted; the requester must
///   retry.
/// - A request has the [rights](Request::rights) of its peer: the driver knows them, and whoever replies observes them.
/// - A reply is sent to the requester only, outside the stream of its subscriptions: any number of envelopes, in order.
/// - One task reads; concurrent readers steal each other's requests.
///
/// ```
/// use pubsub_api::{Batch, Requests, Result};
///
/// /// Replies to each request with the request itself.
/// async fn echo(requests: &dyn Requests) -> Result<()> {
///     loop {
///         let request = requests.next().await?;
///         let mut reply = Batch::new();
///         reply.push(request.envelope);
///         // The requester may have disconnected meanwhile; it sends its request again.
///         let _ = requests.answer(request.peer, &mut reply).await;
///     }
/// }
/// ```
#[async_trait]
pub trait Requests: Send + Sync {
    /// Returns the next request; waits for it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after the publisher's `close`.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call returns the same request.
    async fn next(&self) -> Result<Request>;

    /// Sends the envelopes to the requester, in order. A sent envelope leaves the batch, so `Ok` leaves it empty. Waits
    /// while too much of earlier replies waits for the peer: a requester that does not read costs a bounded amount of
    /// memory.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the peer has disconnected, or accepted nothing for
    /// so long that the driver disconnects it: `dead_after`, or a multiple of it that the driver documents;
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after the publisher's `close`. The envelopes left in the batch
    /// were not sent.
    ///
    /// # Cancel safety
    /// If the future is dropped, the envelopes that left the batch were sent, and the rest was not.
    async fn answer(&self, peer: PeerId, envelopes: &mut Batch) -> Result<()>;
}

/// One request of one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The connection of the requester; it differs from all other connections, whatever identity the peer claims.
    pub peer: PeerId,
    /// The host of the requester, if the driver knows it: a publisher bounds its work for one host.
    pub host: Option<IpAddr>,
    /// A number of the identity that the requester proved, if it proved one: all its connections have the same number, and a
    /// publisher bounds its work for them together.
    pub account: Option<u64>,
    /// How logs name the requester; empty if the driver has no name for it.
    pub name: String,
    /// The topics that the requester may receive: a reply must contain nothing about others.
    pub rights: TopicRights,
    /// The request.
    pub envelope: Envelope,
}

impl Request {
    /// Creates the request of a peer of which nothing else is known, and that may receive every topic.
    ///
    /// ```
    /// use pubsub_api::{Action, Envelope, Event, HELLO, PeerId, Request, TopicRights};
    ///
    /// let envelope = Envelope::pack(&Event::new("t", "k", Action::Create, "v", HELLO))?;
    /// assert_eq!(Request::new(PeerId(1), envelope).rights, TopicRights::ALL);
    /// # Ok::<(), pubsub_api::Error>(())
    /// ```
    #[must_use]
    pub fn new(peer: PeerId, envelope: Envelope) -> Self {
        Self { peer, host: None, account: None, name: String::new(), rights: TopicRights::ALL, envelope }
    }
}

/// Sends requests to the publishers that a subscriber listens to (DEALER to their ROUTER).
///
/// [`Subscriber::requester`](crate::Subscriber::requester) returns it; drivers that have it promise
/// [`replay`](crate::Capabilities::replay). Contract:
///
/// - The connection for requests is made at the first request, apart from that of the events. It ends when the address
///   is unregistered or after a minute without a request.
/// - If it ends while a reply is due, [`Reply::Lost`] reports this: send the request again.
/// - If the publisher turns out to carry no requests, [`Reply::Refused`] reports this: a retry is useless.
/// - Unread replies are bounded: if the queue is full, the driver stops reading.
///
/// ```
/// use pubsub_api::{Envelope, Reply, Requester, Result};
///
/// /// Sends a request and returns the first envelope of the reply; `None` if there is none.
/// async fn ask(requester: &dyn Requester, publisher: &str, request: Envelope) -> Result<Option<Envelope>> {
///     if !requester.request(publisher, request) {
///         return Ok(None);
///     }
///     match requester.next().await? {
///         Reply::Part { envelope, .. } => Ok(Some(envelope)),
///         Reply::Lost { .. } | Reply::Refused { .. } => Ok(None),
///     }
/// }
/// ```
#[async_trait]
pub trait Requester: Send + Sync {
    /// Sends a request to the publisher at `endpoint`, which is named as in notices. A registered name stands for any
    /// of its addresses. Returns `false` if there is no such link, or if the request is dropped because too many are
    /// waiting. Does not wait: the connection is made in the background.
    fn request(&self, endpoint: &str, request: Envelope) -> bool;

    /// Returns the next part of a reply; waits for it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) after the subscriber's `close`.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call returns the same part.
    async fn next(&self) -> Result<Reply>;
}

/// A message from a publisher, or the end of its connection for requests.
///
/// A reply has no end of its own here: its first envelope announces the number of those that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// One envelope of a reply.
    Part {
        /// The endpoint of the publisher, as in the request.
        endpoint: String,
        /// The envelope.
        envelope: Envelope,
    },
    /// The connection for requests ended or could not be made: requests without a reply will get none.
    Lost {
        /// The endpoint of the publisher, as in the request.
        endpoint: String,
        /// The reason, as text.
        reason: String,
    },
    /// The publisher's driver carries no requests of any subscriber. Requests will get no reply.
    Refused {
        /// The endpoint of the publisher, as in the request.
        endpoint: String,
        /// The reason, as text.
        reason: String,
    },
}
