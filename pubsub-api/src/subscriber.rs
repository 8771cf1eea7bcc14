use std::fmt::Debug;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;

use crate::{
    Acknowledger, Batch, Envelope, Error, ErrorKind, Notice, Posture, Requester, Result, Status, Subscription,
};

/// The result of `recv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A packed event; its topic matches a subscription, its map is not checked yet.
    Event(Envelope),
    /// A notice, at its place in the stream.
    Notice(Notice),
}

/// The receiving end. The conformance suite checks each line of this contract for every driver:
///
/// - Addresses and topics can be registered before `initialize` and at any time after, from any task. To register
///   twice, or to unregister what is not registered, returns `false` and is not an error.
/// - Topics match exactly, patterns as [`Pattern`](crate::Pattern) defines, whatever the transport filters. An event
///   arrives once, even if several subscriptions match. `$hello` is the driver's own: it becomes
///   [`Notice::Subscribed`], and is delivered only to subscribers that subscribed to it explicitly, by name or by a
///   pattern that begins with `$`.
/// - A publisher that is absent at the start is normal: the driver connects in the background, with jitter.
/// - The loss of a link is a [`Notice::LinkDown`] in the stream, its return a [`Notice::Subscribed`].
/// - A multiproc subscriber binds its own address at `initialize` and receives every topic; subscriptions have no
///   effect.
/// - Events that cannot be decoded are counted by cause and dropped; the link stays.
/// - Addresses and topics apply to network drivers only; multiproc drivers keep the default implementations.
/// - `recv_batch` is `recv` of several: the same events in the same order, each notice at its place between them.
/// - If the application does not read, the subscriber stops reading; its queue is bounded.
///
/// ```
/// use pubsub_api::wire::EventRef;
/// use pubsub_api::{Incoming, Result, SEND_ALL, Subscriber};
///
/// async fn print(subscriber: &dyn Subscriber) -> Result<()> {
///     subscriber.register_listen_address("tcp://192.0.2.1:8866")?;
///     subscriber.register_topic(SEND_ALL.into())?;
///     subscriber.initialize().await?;
///     loop {
///         match subscriber.recv().await? {
///             Incoming::Notice(notice) => println!("{notice:?}"),
///             // The map is not checked yet: any peer may have sent it.
///             Incoming::Event(envelope) => match EventRef::read(envelope.topic.as_bytes(), &envelope.payload) {
///                 Ok(event) => println!("{} {:?} {:?}", event.action, event.table, event.key),
///                 Err(cause) => println!("invalid event: {cause}"),
///             },
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait Subscriber: Debug + Send + Sync {
    /// Binds (multiproc) or starts to connect (network). Idempotent.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the address to bind is in use or does not belong to this host,
    /// [`ErrorKind::Settings`] if it is invalid. Absent publishers are not an error.
    async fn initialize(&self) -> Result<()>;

    /// Checks that [`initialize`](Subscriber::initialize) could bind now, without binding. A driver that binds nothing
    /// has nothing to check.
    ///
    /// # Errors
    /// As `initialize`.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Returns who can publish or receive what, with the settings of this subscriber. It may read files.
    fn posture(&self) -> Vec<Posture> {
        Vec::new()
    }

    /// Connects to one more publisher. Returns `true` if it is new. A name stands for all its addresses
    /// ([`Notice::AddressAdded`]); a driver that connects to only one of them states this in its
    /// [limits](crate::Capabilities::limits).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the endpoint is invalid, [`ErrorKind::Unsupported`] for a transport that the driver
    /// does not support and for a subscriber that binds.
    fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        let text = format!("this subscriber listens on its own address, and does not connect to {endpoint}");
        Err(Error::new(ErrorKind::Unsupported, text))
    }

    /// Disconnects from a publisher for good. Returns `true` if it was registered. No `LinkDown` follows, because there
    /// is no failure. Events that had arrived before may still be delivered; events published from now on are not.
    fn unregister_listen_address(&self, endpoint: &str) -> bool {
        let _ = endpoint;
        false
    }

    /// Subscribes to one more topic or pattern. Returns `true` if it is new. A multiproc subscriber receives every
    /// topic anyway, and returns `false`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] above [`MAX_SUBSCRIPTIONS`].
    fn register_topic(&self, subscription: Subscription) -> Result<bool> {
        let _ = subscription;
        Ok(false)
    }

    /// Cancels a subscription. Returns `true` if it existed. Events in flight are dropped.
    fn unregister_topic(&self, subscription: &Subscription) -> bool {
        let _ = subscription;
        false
    }

    /// Returns the next event or notice; waits for it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after `close`, when everything that arrived before it is read.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call returns the same event or notice.
    async fn recv(&self) -> Result<Incoming>;

    /// Waits for events, and appends those that are available to `batch`. A notice ends the events and is returned:
    /// `Some` with an empty batch is a notice without an event before it.
    ///
    /// `recv` and `recv_batch` can be mixed. Every driver stops at [`Batch::MAX_RECEIVED_BYTES`] of payload and one
    /// event more; the default implementation, which calls `recv` for each event, also stops at
    /// [`Batch::MAX_RECEIVED_EVENTS`].
    ///
    /// # Errors
    /// As `recv`, and then nothing was appended: events before the end are delivered first.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the events that were read are in the batch, and the next call returns
    /// the rest.
    ///
    /// ```
    /// use pubsub_api::{Batch, Result, Subscriber};
    ///
    /// async fn count(subscriber: &dyn Subscriber) -> Result<usize> {
    ///     let (mut batch, mut events) = (Batch::new(), 0);
    ///     // A gap is between the events before it and those after it.
    ///     while subscriber.recv_batch(&mut batch).await?.is_none() {
    ///         events += batch.len();
    ///         batch.clear();
    ///     }
    ///     Ok(events + batch.len())
    /// }
    /// ```
    async fn recv_batch(&self, batch: &mut Batch) -> Result<Option<Notice>> {
        let mut incoming = self.recv().await?;
        let (mut events, mut bytes) = (0, 0);
        loop {
            match incoming {
                Incoming::Notice(notice) => return Ok(Some(notice)),
                Incoming::Event(envelope) => {
                    events += 1;
                    bytes += envelope.payload.len();
                    batch.push(envelope);
                }
            }
            if events >= Batch::MAX_RECEIVED_EVENTS || bytes >= Batch::MAX_RECEIVED_BYTES {
                return Ok(None);
            }
            // Polled once and then dropped: `recv` is cancel-safe, and a closed subscriber returns its error again.
            incoming = match self.recv().as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(next)) => next,
                Poll::Ready(Err(_)) | Poll::Pending => return Ok(None),
            };
        }
    }

    /// Returns the requester of network drivers that [carry requests](crate::Capabilities::replay).
    fn requester(&self) -> Option<&dyn Requester> {
        None
    }

    /// Returns the acknowledger of multiproc drivers that [confirm events](crate::Capabilities::confirms_publish).
    fn acknowledger(&self) -> Option<&dyn Acknowledger> {
        None
    }

    /// Ends the links and releases the address. It can be called twice.
    ///
    /// Items that arrived before it can still be read; then `recv` fails with [`ErrorKind::Closed`].
    async fn close(&self);

    /// Returns the bound endpoint; `None` for a subscriber that connects.
    fn endpoint(&self) -> Option<String>;

    /// Returns the current counters, queues and peers.
    fn status(&self) -> Status;
}

/// The maximum number of topics and patterns of one subscriber at a driver: 4,096 (docs/design.md#topics), as many for
/// their [marks](crate::Topic::mark), and [`HELLO`](crate::HELLO).
pub const MAX_SUBSCRIPTIONS: usize = 2 * MAX_TOPICS + 1;

/// The maximum number of topics and patterns of an application (docs/design.md#topics).
pub const MAX_TOPICS: usize = 4096;

/// Passes every event and notice to `handler` until the subscriber is closed.
///
/// The handler is called in order, never concurrently; nothing is read while it runs. The dispatcher of the subscriber
/// agent has handlers per topic or table, each with its own queue.
///
/// # Errors
/// Any error of [`Subscriber::recv`] but [`ErrorKind::Closed`], which is the normal end.
///
/// # Cancel safety
/// If the future is dropped, the handler has run for every item that was received, and nothing is lost.
///
/// ```
/// use pubsub_api::{Incoming, Result, Subscriber, run};
///
/// async fn count_events(subscriber: &dyn Subscriber) -> Result<u64> {
///     let mut events = 0;
///     run(subscriber, |incoming| events += u64::from(matches!(incoming, Incoming::Event(_)))).await?;
///     Ok(events)
/// }
/// ```
pub async fn run(subscriber: &dyn Subscriber, mut handler: impl FnMut(Incoming)) -> Result<()> {
    loop {
        match subscriber.recv().await {
            Ok(incoming) => handler(incoming),
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// The maximum number of topics of one publisher that are numbered, and followed by a subscriber, at the same time: one
/// million. It is also the maximum of `service.max_topics`, so a subscriber can follow every topic of a service.
pub const MAX_TOPICS_PER_PUBLISHER: usize = 1_000_000;
