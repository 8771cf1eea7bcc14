use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Batch, Envelope, Error, ErrorKind, Event, Requests, Result, Status, SubscribersSeen, Topic};

/// The sending end. Contract, each line proved by the conformance suite for every driver:
///
/// - `initialize` makes a network publisher bind; a multiproc publisher only checks its settings then, and connects
///   at its first `send`, so that it may be made before `fork` and before the service runs.
/// - `send` returns `Ok` when the event was accepted, and an error when it was not: nothing is dropped in between. What a
///   network driver later drops for one slow subscriber is counted, and told to that subscriber where it can be.
/// - Events of one publisher on one topic arrive in the order of their `send`.
/// - A full queue of a multiproc publisher makes `send` wait, at most `send_timeout`; then it is
///   [`ErrorKind::Overloaded`].
/// - `close` hands over what was accepted, within `linger`, and says if that did not suffice. It may be called twice.
/// - `send_batch` is `send` of each: in order, and what is left in the batch after an error begins with the event that
///   was refused.
/// - After `close`, `send` is [`ErrorKind::Closed`].
///
/// Accepted is not delivered: what a driver promises beyond is in its [`Capabilities`](crate::Capabilities).
#[async_trait]
pub trait Publisher: Debug + Send + Sync {
    /// Makes ready to send. Calling it again changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the address is taken or not ours, [`ErrorKind::Settings`] if it cannot be right.
    async fn initialize(&self) -> Result<()>;

    /// Checks that [`initialize`](Publisher::initialize) can claim now what it binds, and claims nothing: an address of
    /// this host, a port that nobody has. A driver that binds nothing has nothing to check.
    ///
    /// # Errors
    /// As `initialize`.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Gives a packed event to the driver; reserved topics pass here (the service says `$hello` so).
    ///
    /// # Errors
    /// [`ErrorKind::Overloaded`] after `send_timeout` without room, [`ErrorKind::Closed`] after `close`,
    /// [`ErrorKind::Invalid`] if the payload exceeds [`wire::MAX_RECEIVED_BYTES`](crate::wire::MAX_RECEIVED_BYTES).
    ///
    /// # Cancel safety
    /// If the future is dropped, the event was either accepted or not; nothing else changes.
    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()>;

    /// Gives all events of a batch to the driver, in order, each as by [`send`](Publisher::send). An event leaves the
    /// batch when it is accepted, so `Ok` leaves the batch empty.
    ///
    /// The body given here sends them one after the other; a driver has its own where that costs less.
    ///
    /// # Errors
    /// As `send`, and [`ErrorKind::Invalid`] for an event whose topic is none. The first event left in the batch is the
    /// one that was refused; nothing after it was sent. Take it out to go on with the rest, or call again with it.
    ///
    /// # Cancel safety
    /// If the future is dropped, what left the batch was accepted; the first event left was either accepted or not, and
    /// nothing after it was.
    async fn send_batch(&self, batch: &mut Batch) -> Result<()> {
        while let Some(first) = batch.first_envelope() {
            let Envelope { topic, payload } = first?;
            self.send(&topic, payload).await?;
            batch.advance(1);
        }
        Ok(())
    }

    /// Waits until everything accepted so far has left this process (with `confirms_publish`: until it is confirmed), as
    /// long as something leaves.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if for `send_timeout` nobody takes anything.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    async fn flush(&self) -> Result<()>;

    /// Hands over what was accepted, within `linger`, and releases the address.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if something accepted could not be handed over; the text says how much.
    async fn close(&self) -> Result<()>;

    /// Where it is bound, or connects to: `tcp://127.0.0.1:8866`. `None` before that is known.
    fn endpoint(&self) -> Option<String>;

    /// Counters, queues and peers as they are now.
    fn status(&self) -> Status;

    /// Who subscribes, for drivers that [see it](crate::Capabilities::sees_subscribers).
    fn subscribers_seen(&self) -> Option<&dyn SubscribersSeen> {
        None
    }

    /// What subscribers ask for, for drivers that [carry requests](crate::Capabilities::replay).
    fn requests(&self) -> Option<&dyn Requests> {
        None
    }

    /// Packs an event and sends it.
    ///
    /// # Errors
    /// As `send`; [`ErrorKind::Invalid`] also for a reserved topic and for an event above 1 MiB.
    async fn send_event(&self, event: &Event) -> Result<()> {
        if event.topic.is_reserved() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "topic {:?} begins with `$`: such topics are reserved, publish on another",
                    event.topic
                ),
            ));
        }
        let Envelope { topic, payload } = Envelope::pack(event)?;
        self.send(&topic, payload).await
    }
}
