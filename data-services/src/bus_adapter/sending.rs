//! What is sent, from the node to the driver.

use std::time::Instant;

use pubsub_api::{Batch, EncodedEvent, Envelope, Error, ErrorKind, HELLO, Result};

use super::encoded_messages::EncodedMessages;
use super::hellos::Hellos;
use super::open_packets::OpenPackets;
use super::topics::PacketTopic;
use super::{BusAdapter, MAX_INTRODUCTION_BYTES, encoding};
use crate::packet::{Destination, Message, Outgoing};

impl BusAdapter {
    /// Sends one message.
    ///
    /// # Errors
    /// As [`send_all`](Self::send_all).
    #[cfg(test)]
    pub(crate) async fn send(&self, to: &Destination, message: &Message) -> Result<()> {
        let mut batch = Batch::new();
        batch.push(self.pack(to, message)?);
        self.publish(&mut batch).await
    }

    /// Sends messages: those to one destination in order, and together in as few packets as possible. A message that is too
    /// large or too deep is left out, the rest is sent.
    ///
    /// # Errors
    /// The first one: [`ErrorKind::Invalid`] for a message that was left out; [`ErrorKind::Overloaded`],
    /// [`ErrorKind::Unavailable`] and others of the driver, and then the messages that it had not accepted are dropped
    /// and counted; [`ErrorKind::Closed`] after [`close`](BusAdapter::close).
    ///
    /// # Cancel safety
    /// If the future is dropped, any number of the first messages was sent.
    pub(crate) async fn send_all(&self, outgoing: &[Outgoing]) -> Result<()> {
        let (mut batch, mut first) = (Batch::new(), Ok(()));
        if outgoing.iter().any(|one| one.to == Destination::Everyone)
            && let Some(hello) = self.hellos.as_ref().and_then(Hellos::companion)
        {
            batch.push(hello);
        }
        let mut packets = OpenPackets::default();
        for one in outgoing {
            if let Err(error) = packets.add(one) {
                self.count_unsent(&error, 1);
                first = first.and(Err(error));
            }
        }
        for (to, messages) in packets.into_packets() {
            if let Err(error) = self.pack_all(to, &messages, &mut batch) {
                first = first.and(Err(error));
            }
        }
        first.and(self.publish(&mut batch).await)
    }

    /// Sends a message to the node at an endpoint over its request channel: it arrives there although that node is not
    /// connected to this one. Connects to the endpoint if that has not been done.
    ///
    /// It may be lost without notice, so repeat it until the node answers.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] on a broker, and for a driver without requests: then the nodes must connect to each
    /// other. [`ErrorKind::Invalid`] for an invalid endpoint and for a message above [`MAX_INTRODUCTION_BYTES`].
    /// [`ErrorKind::Overloaded`] if too many introductions to this endpoint are waiting.
    pub(crate) fn introduce(&self, endpoint: &str, message: &Message) -> Result<()> {
        let requester = self.subscriber.requester().filter(|_| !self.is_broker).ok_or_else(|| {
            let text = format!("cannot introduce this node to {endpoint}: the driver carries no requests");
            Error::new(ErrorKind::Unsupported, text)
        })?;
        let envelope = self.pack(&Destination::Everyone, message)?;
        let bytes = envelope.payload.len();
        if bytes > MAX_INTRODUCTION_BYTES {
            let text =
                format!("an introduction has at most {MAX_INTRODUCTION_BYTES} bytes, this one has {bytes}");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        self.connect(endpoint)?;
        if requester.request(endpoint, envelope) {
            self.metrics.sent.add(1);
            return Ok(());
        }
        self.metrics.introductions_failed.count("queue_full", Instant::now());
        let text = format!("too many introductions to {endpoint} are waiting; the next one may fit");
        Err(Error::new(ErrorKind::Overloaded, text))
    }

    /// Packs messages together; if that is refused, each alone, so that only those are left out that are invalid.
    fn pack_all(&self, to: &Destination, messages: &EncodedMessages, batch: &mut Batch) -> Result<()> {
        let topic = self.topics.of(to)?;
        let encode = |messages: &EncodedMessages| self.encode(&topic, to, messages);
        if let Ok(envelope) = encode(messages) {
            batch.push(envelope);
            return Ok(());
        }
        let mut first = Ok(());
        for alone in messages.split() {
            match encode(&alone) {
                Ok(envelope) => batch.push(envelope),
                Err(error) => {
                    self.count_unsent(&error, 1);
                    first = first.and(Err(error));
                }
            }
        }
        first
    }

    fn pack(&self, to: &Destination, message: &Message) -> Result<Envelope> {
        let topic = self.topics.of(to)?;
        let packed = EncodedMessages::new(message).and_then(|message| self.encode(&topic, to, &message));
        packed.inspect_err(|error| self.count_unsent(error, 1))
    }

    fn encode(&self, topic: &PacketTopic, to: &Destination, messages: &EncodedMessages) -> Result<Envelope> {
        encoding::encode(self.topics.bus(), topic, to, &self.me, messages, &self.guard)
    }

    /// Sends a batch while the adapter is open. Sends run at the same time as each other, and before `close`.
    async fn publish(&self, batch: &mut Batch) -> Result<()> {
        let is_closed = self.is_closed.read().await;
        let is_hello = |event: &EncodedEvent<'_>| event.topic == HELLO.as_bytes();
        let (packets, hellos) =
            (batch.len(), usize::from(batch.iter().next().as_ref().is_some_and(is_hello)));
        let sent = match *is_closed {
            true => Err(Error::new(ErrorKind::Closed, "the connection to the bus is closed")),
            false => self.publisher.send_batch(batch).await,
        };
        self.metrics.sent.add((packets - batch.len()).saturating_sub(hellos) as u64);
        sent.inspect_err(|error| self.count_unsent(error, batch.len()))
    }

    fn count_unsent(&self, error: &Error, packets: usize) {
        let (cause, now) = (error.kind().as_str(), Instant::now());
        let due: Vec<u64> = (0..packets).filter_map(|_| self.metrics.unsent.count(cause, now)).collect();
        if !due.is_empty() {
            tracing::warn!(id = "SK1009", cause, packets, "did not send packets: {error}");
        }
    }
}
