//! What arrives, from the driver to the node.

use std::future::pending;
use std::time::Instant;

use pubsub_api::{
    Envelope, ErrorKind, Incoming, Notice, Reply, Request, Requester, Requests, Result, registered_endpoint,
};

use super::encoding;
use super::invalid::Invalid;
use super::{BusAdapter, BusEvent};
use crate::packet::Destination;

/// One thing that arrived.
enum Arrived {
    Stream(Incoming),
    /// The introduction of a node that does not hear this one yet, or is not heard.
    Request(Request),
    /// The end of a connection for introductions.
    Reply(Reply),
}

impl BusAdapter {
    /// Returns the next packet or reset; waits for it. One task receives.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after [`close`](Self::close), when everything that arrived before it is read.
    ///
    /// # Cancel safety
    /// If the future is dropped, nothing is lost: the next call returns the same event.
    pub(crate) async fn recv(&self) -> Result<BusEvent> {
        loop {
            let event = match self.next().await? {
                Arrived::Stream(Incoming::Event(envelope)) => self.packet(&envelope),
                Arrived::Stream(Incoming::Notice(notice)) => self.notice(notice),
                Arrived::Request(request) => self.introduction(&request.envelope),
                Arrived::Reply(reply) => {
                    self.reply(&reply);
                    None
                }
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    /// Introductions first: they are rare, and a stream without a pause must not keep newcomers out.
    async fn next(&self) -> Result<Arrived> {
        tokio::select! {
            biased;
            request = next_request(self.publisher.requests()) => Ok(Arrived::Request(request)),
            reply = next_reply(self.subscriber.requester()) => Ok(Arrived::Reply(reply)),
            incoming = self.subscriber.recv() => incoming.map(Arrived::Stream),
        }
    }

    fn packet(&self, envelope: &Envelope) -> Option<BusEvent> {
        let received = self.received().get(&envelope.topic).cloned();
        // An event may arrive while its table is unfollowed.
        let to = received?;
        self.decode(&to, envelope)
    }

    /// Every node sends its introductions to everyone on its bus, so that one on another bus is not for this node.
    fn introduction(&self, envelope: &Envelope) -> Option<BusEvent> {
        let to = Destination::Everyone;
        if self.topics.of(&to).is_ok_and(|topic| topic.topic == envelope.topic) {
            return self.decode(&to, envelope);
        }
        self.refuse(Invalid::WrongDestination, envelope);
        None
    }

    fn decode(&self, to: &Destination, envelope: &Envelope) -> Option<BusEvent> {
        let topic = self.topics.of(to).ok()?;
        match encoding::decode(self.topics.bus(), &topic, to, &envelope.payload) {
            Ok(packet) if packet.source.instance == self.me.instance => {
                self.metrics.echoed.add(1);
                None
            }
            Ok(packet) => {
                self.metrics.received.add(1);
                Some(BusEvent::Packet(packet))
            }
            Err(invalid) => {
                self.refuse(invalid, envelope);
                None
            }
        }
    }

    fn refuse(&self, invalid: Invalid, envelope: &Envelope) {
        let (cause, topic) = (invalid.cause(), &envelope.topic);
        if let Some(times) = self.metrics.invalid.count(cause, Instant::now()) {
            tracing::warn!(cause, times, "dropped a packet on topic {topic}: {}", cause.replace('_', " "));
        }
    }

    fn notice(&self, notice: Notice) -> Option<BusEvent> {
        let (cause, endpoint, reason) = match notice {
            Notice::LinkDown { publisher, reason } => ("link_down", Some(publisher), reason),
            Notice::Stale { publisher, reason } => ("stale", Some(publisher), reason),
            Notice::Subscribed { publisher, .. } => {
                ("subscribed", Some(publisher), "the subscriptions are in force from now on".to_owned())
            }
            Notice::Resync { publisher, reason, .. } => ("resync", publisher, reason),
            Notice::Gap { events, reason, .. } => {
                ("gap", None, format!("{events} events are missing: {reason}"))
            }
            Notice::AddressRemoved { publisher } => {
                ("address_removed", Some(publisher), "the name has another address".to_owned())
            }
            _ => return None,
        };
        self.metrics.resets.count(cause, Instant::now());
        let endpoint = endpoint.filter(|_| !self.is_broker).map(|link| registered_endpoint(&link).to_owned());
        Some(BusEvent::Reset { endpoint, reason })
    }

    /// Introductions get no reply, so a reply only ever reports that the connection has ended.
    fn reply(&self, reply: &Reply) {
        let (cause, endpoint, reason) = match reply {
            Reply::Lost { endpoint, reason } => ("lost", endpoint, reason),
            Reply::Refused { endpoint, reason } => ("refused", endpoint, reason),
            Reply::Part { endpoint, envelope } => {
                tracing::debug!("dropped a reply of {endpoint} on topic {}", envelope.topic);
                return;
            }
        };
        if let Some(times) = self.metrics.introductions_failed.count(cause, Instant::now()) {
            tracing::debug!(cause, times, "the introduction to {endpoint} may not have arrived: {reason}");
        }
    }
}

/// The next request; waits for ever if the driver carries none, or is closed: the end of the stream is the end.
async fn next_request(requests: Option<&dyn Requests>) -> Request {
    match requests {
        Some(requests) => match requests.next().await {
            Ok(request) => request,
            Err(error) => ended(&error).await,
        },
        None => pending().await,
    }
}

async fn next_reply(requester: Option<&dyn Requester>) -> Reply {
    match requester {
        Some(requester) => match requester.next().await {
            Ok(reply) => reply,
            Err(error) => ended(&error).await,
        },
        None => pending().await,
    }
}

async fn ended<T>(error: &pubsub_api::Error) -> T {
    if error.kind() != ErrorKind::Closed {
        tracing::warn!("introductions are not received any more: {error}");
    }
    pending().await
}
