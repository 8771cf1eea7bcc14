use std::fmt::Debug;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;

use crate::{
    Acknowledger, Batch, Envelope, Error, ErrorKind, Notice, Requester, Result, Status, Subscription,
};

/// What `recv` yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// An event, packed; its topic is one that was asked for, its map is not yet checked.
    Message(Envelope),
    /// Something about the stream, at its place in it.
    Notice(Notice),
}

/// The receiving end. Contract, each line proved by the conformance suite for every driver:
///
/// - Addresses and topics can be registered before `initialize` and at any time after, from any task. Registering
///   twice, or taking away what is not there, is `false` and not an error.
/// - Topics match exactly, patterns as [`Pattern`](crate::Pattern) says, whatever the transport filters. An event
///   arrives once however many subscriptions match. `$hello` is the driver's own: it becomes
///   [`Notice::Subscribed`], and is delivered only to who asked for
///   it, by name or by a pattern that names the `$`.
/// - A publisher that is away at the start is normal: connecting goes on in the background, with jitter.
/// - Loss of a link is a [`Notice::LinkDown`] in the stream, its return a [`Notice::Subscribed`].
/// - A multiproc subscriber binds its own address at `initialize` and takes every topic; subscriptions change nothing
///   there.
/// - What cannot be decoded is counted by cause and dropped; the link stays.
/// - Addresses and topics are the affair of network drivers: the methods about them have bodies that a multiproc
///   subscriber keeps.
/// - `recv_batch` is `recv` of several: the same events in the same order, each notice at its place between them.
/// - When the application does not read, the subscriber stops reading; its queue is bounded.
#[async_trait]
pub trait Subscriber: Debug + Send + Sync {
    /// Binds (multiproc) or begins to connect (network). Calling it again changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the address to bind is taken or not ours, [`ErrorKind::Settings`] if it cannot
    /// be right. Absent publishers are no error.
    async fn initialize(&self) -> Result<()>;

    /// Checks that [`initialize`](Subscriber::initialize) can claim now what it binds, and claims nothing. A driver that
    /// binds nothing has nothing to check.
    ///
    /// # Errors
    /// As `initialize`.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Connects to one more publisher; `true` if it is new. A name stands for all its addresses
    /// ([`Notice::AddressAdded`]); a driver that connects to one of them names that in its
    /// [limits](crate::Capabilities::limits).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the endpoint does not read as one, [`ErrorKind::Unsupported`] for a transport that
    /// the driver does not speak and for a subscriber that binds.
    fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        let text = format!("this subscriber listens on its own address, and does not connect to {endpoint}");
        Err(Error::new(ErrorKind::Unsupported, text))
    }

    /// Leaves a publisher for good; `true` if it was there. No `LinkDown` follows, since nothing is amiss; what had
    /// arrived before may still be delivered, what is published from now on is not.
    fn unregister_listen_address(&self, endpoint: &str) -> bool {
        let _ = endpoint;
        false
    }

    /// Asks for one more topic or pattern; `true` if it is new. A multiproc subscriber takes everything anyway, and
    /// answers `false`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] above [`MAX_SUBSCRIPTIONS`].
    fn register_topic(&self, subscription: Subscription) -> Result<bool> {
        let _ = subscription;
        Ok(false)
    }

    /// Asks for it no longer; `true` if it was asked for. Events that were on their way are dropped.
    fn unregister_topic(&self, subscription: &Subscription) -> bool {
        let _ = subscription;
        false
    }

    /// The next event or notice; waits for it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after `close`, when all that had arrived before it is read.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call yields what this one would have.
    async fn recv(&self) -> Result<Incoming>;

    /// The next events: waits until there is something, and appends what is at hand to `batch`; a notice ends the
    /// events, and is returned, so `Some` with an empty batch is a notice before which nothing came.
    ///
    /// `recv` and this may be mixed. Every driver stops at [`Batch::MAX_RECEIVED_BYTES`] of payload and one event more; the
    /// body given here, which calls `recv` for each event, also at [`Batch::MAX_RECEIVED_EVENTS`].
    ///
    /// # Errors
    /// As `recv`, and then nothing was appended: what comes before the end is delivered first.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: what it took is in the batch, the next call yields the rest.
    async fn recv_batch(&self, batch: &mut Batch) -> Result<Option<Notice>> {
        let mut incoming = self.recv().await?;
        let (mut events, mut bytes) = (0, 0);
        loop {
            match incoming {
                Incoming::Notice(notice) => return Ok(Some(notice)),
                Incoming::Message(envelope) => {
                    events += 1;
                    bytes += envelope.payload.len();
                    batch.push(envelope);
                }
            }
            if events >= Batch::MAX_RECEIVED_EVENTS || bytes >= Batch::MAX_RECEIVED_BYTES {
                return Ok(None);
            }
            // Asked once and then dropped: `recv` is cancel-safe, and who is closed says so again.
            incoming = match self.recv().as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(next)) => next,
                Poll::Ready(Err(_)) | Poll::Pending => return Ok(None),
            };
        }
    }

    /// A way to ask the publishers, for network drivers that [carry requests](crate::Capabilities::replay).
    fn requester(&self) -> Option<&dyn Requester> {
        None
    }

    /// A way to tell workers what was accepted, for multiproc drivers that
    /// [confirm](crate::Capabilities::confirms_publish).
    fn acknowledger(&self) -> Option<&dyn Acknowledger> {
        None
    }

    /// Ends the links and releases the address. It may be called twice.
    async fn close(&self);

    /// Where it is bound; `None` for one that connects.
    fn endpoint(&self) -> Option<String>;

    /// Counters, queues and peers as they are now.
    fn status(&self) -> Status;
}

/// How many topics and patterns one subscriber may ask a driver for: 4,096 (docs/design.md#topics), as many for
/// their [marks](crate::Topic::mark), and [`HELLO`](crate::HELLO).
pub const MAX_SUBSCRIPTIONS: usize = 2 * MAX_TOPICS + 1;

/// How many topics and patterns an application may ask for (docs/design.md#topics).
pub const MAX_TOPICS: usize = 4096;

/// The callback form: gives every event and notice to `handler` until the subscriber is closed.
///
/// The handler is called in order and never at the same time; while it works nothing is read. Handlers per topic or
/// table, each with its own queue, are the subscriber agent's dispatcher.
///
/// # Errors
/// Any error of [`Subscriber::recv`] but [`ErrorKind::Closed`], which is the normal end.
pub async fn run(subscriber: &dyn Subscriber, mut handler: impl FnMut(Incoming)) -> Result<()> {
    loop {
        match subscriber.recv().await {
            Ok(incoming) => handler(incoming),
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// How many topics of one publisher are numbered, and followed by a subscriber, at the same time: one million. A service may
/// have as many (`service.max_topics`), so that a subscriber can follow whatever it has.
pub const MAX_TOPICS_PER_PUBLISHER: usize = 1_000_000;
