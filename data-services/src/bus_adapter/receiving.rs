//! What arrives, from the driver to the node.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Instant;

use pubsub_api::{
    Batch, Envelope, ErrorKind, Notice, Reply, Request, Requester, Requests, Result, Topic,
    registered_endpoint,
};
use tokio::task::coop::consume_budget;

use super::encoding;
use super::hellos::Hellos;
use super::invalid::Invalid;
use super::received_topic::ReceivedTopic;
use super::{BusAdapter, BusEvent};
use crate::Instance;
use crate::packet::Destination;

/// What arrived.
enum Arrived {
    /// Events of peers, and the notice that follows them.
    Stream(Option<Notice>),
    /// The introduction of a node that does not hear this one yet, or is not heard.
    Request(Request),
    /// The end of a connection for introductions.
    Reply(Reply),
    /// An instance that receives what this node sends.
    Listener(Instance),
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
            // A node that never has to wait still lets other tasks run.
            consume_budget().await;
            if let Some(event) = self.try_recv() {
                return Ok(event);
            }
            let mut batch = self.batch.lock().await;
            // A call that was dropped may have left events in the batch (`Subscriber::recv_batch`, cancel safety).
            let arrived = match batch.is_empty() {
                true => self.next(&mut batch).await?,
                false => Arrived::Stream(None),
            };
            match arrived {
                Arrived::Stream(notice) => {
                    let mut events = self.arrived();
                    batch.iter().for_each(|event| self.packet(event.topic, event.payload, &mut events));
                    events.extend(notice.and_then(|notice| self.notice(notice)));
                    batch.clear();
                }
                Arrived::Request(request) => self.introduction(&request.envelope),
                Arrived::Reply(reply) => self.reply(&reply),
                Arrived::Listener(listener) => return Ok(BusEvent::Listener(listener)),
            }
        }
    }

    /// Returns the next packet or reset if it has arrived with an earlier one.
    pub(crate) fn try_recv(&self) -> Option<BusEvent> {
        self.arrived().pop_front()
    }

    /// Introductions and listeners first: they are rare, and a stream without a pause must not keep newcomers out.
    async fn next(&self, batch: &mut Batch) -> Result<Arrived> {
        tokio::select! {
            biased;
            request = next_request(self.publisher.requests()) => Ok(Arrived::Request(request)),
            reply = next_reply(self.subscriber.requester()) => Ok(Arrived::Reply(reply)),
            listener = next_listener(self.hellos.as_ref()) => Ok(Arrived::Listener(listener)),
            notice = self.subscriber.recv_batch(batch) => notice.map(Arrived::Stream),
        }
    }

    fn packet(&self, topic: &[u8], payload: &[u8], events: &mut VecDeque<BusEvent>) {
        let to = self.received().get(topic).map(Arc::clone);
        // An event may arrive while its table is unfollowed.
        if let Some(to) = to {
            self.decode(&to, payload, events);
        }
    }

    /// Every node sends its introductions to everyone on its bus, so that one on another bus is not for this node.
    fn introduction(&self, envelope: &Envelope) {
        let to = self.received().get(envelope.topic.as_bytes()).map(Arc::clone);
        match to.filter(|received| received.to == Destination::Everyone) {
            Some(to) => self.decode(&to, &envelope.payload, &mut self.arrived()),
            None => self.refuse(&Invalid::WrongDestination, &envelope.topic),
        }
    }

    fn decode(&self, received: &ReceivedTopic, payload: &[u8], events: &mut VecDeque<BusEvent>) {
        let ReceivedTopic { to, topic, .. } = received;
        let bytes = (topic.topic.as_bytes().len() + payload.len()) as u64;
        self.metrics.received_bytes.add(bytes);
        received.note(bytes);
        match encoding::decode(self.topics.bus(), topic, to, payload, &self.guard) {
            Ok((source, _)) if source.instance == self.me.instance => self.metrics.echoed.add(1),
            Ok((source, messages)) => {
                self.metrics.received.add(1);
                events.push_back(BusEvent::Packet { source, messages });
            }
            Err(invalid) => self.refuse(&invalid, &topic.topic),
        }
    }

    fn refuse(&self, invalid: &Invalid, topic: &Topic) {
        let cause = invalid.cause();
        if let Some(times) = self.metrics.invalid.count(cause, Instant::now()) {
            tracing::warn!(id = "SK1009", cause, times, "dropped a packet on topic {topic}: {invalid}");
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

async fn next_listener(hellos: Option<&Hellos>) -> Instance {
    match hellos {
        Some(hellos) => hellos.next_listener().await,
        None => pending().await,
    }
}

async fn ended<T>(error: &pubsub_api::Error) -> T {
    if error.kind() != ErrorKind::Closed {
        tracing::warn!(id = "SK1010", "introductions are not received any more: {error}");
    }
    pending().await
}
