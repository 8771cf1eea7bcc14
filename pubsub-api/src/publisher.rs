use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Batch, Envelope, Error, ErrorKind, Event, Framing, Posture, Requests, Result, Status, SubscribersSeen,
    Topic,
};

/// The sending end. The conformance suite checks each line of this contract for every driver:
///
/// - `initialize` binds a network publisher. A multiproc publisher only checks its settings in it and connects at its
///   first `send`, so it can be created before `fork` and before the service runs.
/// - `send` returns `Ok` if the event was accepted, and an error if it was not: no event is dropped without either.
///   Events that a network driver later drops for one slow subscriber are counted, and reported to that subscriber
///   where possible.
/// - Events of one publisher on one topic arrive in the order of their `send`.
/// - If the queue of a multiproc publisher is full, `send` waits for at most `send_timeout`, and then fails with
///   [`ErrorKind::Overloaded`].
/// - `close` sends the accepted events within `linger`, and returns an error if `linger` was too short. It can be
///   called twice.
/// - `send_batch` is `send` of each event, in order. After an error, the first event left in the batch is the refused
///   one.
/// - After `close`, `send` fails with [`ErrorKind::Closed`].
///
/// Accepted is not delivered: the [`Capabilities`](crate::Capabilities) of a driver state what it promises beyond that.
///
/// All methods can be called from several tasks at once. Events of one topic have an order only if one task sends them,
/// or if the tasks order their calls themselves.
///
/// ```
/// use pubsub_api::{ErrorKind, Event, Publisher, Result};
///
/// /// Publishes an event. If the queue of the publisher stays full, it waits for one more `send_timeout`.
/// async fn publish(publisher: &dyn Publisher, event: &Event) -> Result<()> {
///     match publisher.send_event(event).await {
///         Err(error) if error.kind() == ErrorKind::Overloaded => publisher.send_event(event).await,
///         done => done,
///     }
/// }
/// ```
#[async_trait]
pub trait Publisher: Debug + Send + Sync {
    /// Prepares to send. Idempotent. The default implementation is that of a publisher that has nothing to prepare, because
    /// it connects at its first `send`.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the address is in use or does not belong to this host, [`ErrorKind::Settings`] if
    /// it is invalid.
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    /// Checks that [`initialize`](Publisher::initialize) could bind now, without binding: the address belongs to this
    /// host and the port is free. A driver that binds nothing has nothing to check.
    ///
    /// # Errors
    /// As `initialize`.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Checks that no other host can connect without proving its identity, unless the settings allow it
    /// (`allow_unauthenticated`). `initialize` and [`check`](Self::check) make this check too. A driver that binds nothing
    /// has nothing to check.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`], with the settings that help.
    fn check_exposure(&self) -> Result<()> {
        Ok(())
    }

    /// Returns who can publish or receive what, with the settings of this publisher. It may read files, such as one with the
    /// keys of agents.
    fn posture(&self) -> Vec<Posture> {
        Vec::new()
    }

    /// Sends a packed event. Reserved topics are allowed here: the service sends `$hello` this way.
    ///
    /// # Errors
    /// [`ErrorKind::Overloaded`] after `send_timeout` without room, [`ErrorKind::Closed`] after `close`,
    /// [`ErrorKind::Invalid`] if the payload exceeds [`wire::MAX_RECEIVED_BYTES`](crate::wire::MAX_RECEIVED_BYTES).
    ///
    /// # Cancel safety
    /// If the future is dropped, the event was either accepted or not; nothing else changes.
    async fn send(&self, topic: &Topic, payload: Bytes) -> Result<()>;

    /// Sends all events of a batch, in order, each as by [`send`](Publisher::send). An event leaves the batch when it
    /// is accepted, so `Ok` leaves the batch empty.
    ///
    /// The default implementation sends them one after the other; a driver overrides it if it can do so at less cost.
    ///
    /// # Errors
    /// As `send`, and [`ErrorKind::Invalid`] for an event whose topic is invalid. The first event left in the batch is
    /// the refused one; no event after it was sent. Remove it to continue with the rest, or call again with it.
    ///
    /// # Cancel safety
    /// If the future is dropped, the events that left the batch were accepted; the first event left was either accepted
    /// or not, and no event after it was.
    ///
    /// ```
    /// use pubsub_api::{Batch, ErrorKind, Publisher, Result};
    ///
    /// /// Sends a batch without the events that the contract forbids. After any other error the batch has the rest.
    /// async fn send_valid(publisher: &dyn Publisher, batch: &mut Batch) -> Result<()> {
    ///     while let Err(error) = publisher.send_batch(batch).await {
    ///         if error.kind() != ErrorKind::Invalid {
    ///             return Err(error);
    ///         }
    ///         batch.advance(1);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    async fn send_batch(&self, batch: &mut Batch) -> Result<()> {
        while let Some(first) = batch.first_envelope() {
            let Envelope { topic, payload } = first?;
            self.send(&topic, payload).await?;
            batch.advance(1);
        }
        Ok(())
    }

    /// Waits until every event accepted so far has left this process (with `confirms_publish`: until it is confirmed).
    /// It waits as long as there is progress.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if there is no progress for `send_timeout`.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    async fn flush(&self) -> Result<()>;

    /// Sends the accepted events within `linger`, and releases the address.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if an accepted event could not be sent; the text contains the number.
    ///
    /// # Cancel safety
    /// If the future is dropped, the publisher may be left open or closed: call it again.
    async fn close(&self) -> Result<()>;

    /// Returns the endpoint that it binds or connects to: `tcp://127.0.0.1:8866`. `None` before that is known.
    fn endpoint(&self) -> Option<String>;

    /// Returns the current counters, queues and peers. It does not wait for the network, and can be called in every
    /// state, before `initialize` and after `close`.
    fn status(&self) -> Status;

    /// Returns the counters and queues of [`status`](Self::status) for a scrape every second: without peers, and without a
    /// lock that sending waits for. A value may be that of the turn before. The default implementation is for drivers
    /// whose `status` is such a reading already.
    fn metrics(&self) -> Status {
        self.status()
    }

    /// Returns the subscriptions of peers, for drivers that [see them](crate::Capabilities::sees_subscribers).
    fn subscribers_seen(&self) -> Option<&dyn SubscribersSeen> {
        None
    }

    /// Returns the requests of subscribers, for drivers that [carry requests](crate::Capabilities::replay).
    fn requests(&self) -> Option<&dyn Requests> {
        None
    }

    /// Returns how the driver lays out events, if it can send what is laid out so ([`Batch::framed_run`]) as it is.
    fn framing(&self) -> Option<&'static dyn Framing> {
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
