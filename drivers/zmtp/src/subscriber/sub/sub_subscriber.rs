use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use pubsub_api::settings::check_tcp_endpoint;
use pubsub_api::{
    Batch, Envelope, Error, Incoming, Notice, Posture, Requester, Result, Status, Subscriber, Subscription,
};

use super::link::SubLink;
use super::links::{Link, Links, Phase, State};
use super::name::SubName;
use super::subscriber_state::SubscriberState;
use crate::ZmtpSettings;

/// The agent's end of the network hop: SUB, one link per publisher, and one per address of a name.
///
/// All links put what they receive into one queue of `recv_queue_events`, a block of events at a time. Which topics are
/// wanted is checked once more when an event is taken out of it: ZeroMQ filters by prefix, and what was unsubscribed may
/// be on its way.
#[derive(Debug)]
pub struct SubSubscriber {
    pub(super) shared: Arc<SubscriberState>,
    links: Links,
}

impl SubSubscriber {
    pub(crate) fn new(settings: ZmtpSettings) -> Self {
        Self { shared: Arc::new(SubscriberState::new(settings)), links: Links::default() }
    }

    /// Starts the link of an endpoint that was registered, if the subscriber runs.
    fn start(&self, links: &mut State, endpoint: &str) {
        if links.phase != Phase::Running {
            return;
        }
        let Some(link) = links.by_endpoint.get_mut(endpoint) else { return };
        let (shared, state) = (&self.shared, &link.state);
        link.task.get_or_insert_with(|| match is_name(endpoint) {
            true => tokio::spawn(SubName::new(endpoint, shared, state, self.links.downgrade()).run()),
            false => tokio::spawn(SubLink::new(endpoint, shared, state).run()),
        });
    }

    /// Sends a request to a publisher; `false` if it is not registered or its queue is full.
    pub(super) fn ask(&self, endpoint: &str, request: Envelope) -> bool {
        self.links.lock().ask(endpoint, request, &self.shared)
    }
}

#[async_trait]
impl Subscriber for SubSubscriber {
    fn posture(&self) -> Vec<Posture> {
        vec![self.shared.posture()]
    }

    async fn initialize(&self) -> Result<()> {
        let mut links = self.links.lock();
        if links.phase == Phase::Closed {
            return Err(Error::closed("subscriber"));
        }
        self.shared.read_keys()?;
        links.phase = Phase::Running;
        let registered: Vec<String> = links.by_endpoint.keys().cloned().collect();
        for endpoint in registered {
            self.start(&mut links, &endpoint);
        }
        Ok(())
    }

    fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        check_tcp_endpoint("zmtp_pubsub_driver", endpoint)?;
        let mut links = self.links.lock();
        if links.phase == Phase::Closed {
            return Err(Error::closed("subscriber"));
        }
        if links.by_endpoint.contains_key(endpoint) {
            return Ok(false);
        }
        links.by_endpoint.insert(endpoint.to_owned(), Link::default());
        self.start(&mut links, endpoint);
        Ok(true)
    }

    fn unregister_listen_address(&self, endpoint: &str) -> bool {
        self.links.lock().unregister(endpoint, &self.shared)
    }

    fn register_topic(&self, subscription: Subscription) -> Result<bool> {
        self.shared.wanted.insert(subscription)
    }

    fn unregister_topic(&self, subscription: &Subscription) -> bool {
        self.shared.wanted.remove(subscription)
    }

    async fn recv(&self) -> Result<Incoming> {
        self.shared.queue.recv(&self.shared.wanted).await
    }

    /// At most 1,024 events and [`Batch::MAX_RECEIVED_BYTES`] at once; those that were read together stay in one block.
    async fn recv_batch(&self, batch: &mut Batch) -> Result<Option<Notice>> {
        self.shared.queue.recv_batch(&self.shared.wanted, batch).await
    }

    fn requester(&self) -> Option<&dyn Requester> {
        Some(self)
    }

    async fn close(&self) {
        let mut links = self.links.lock();
        links.phase = Phase::Closed;
        links.by_endpoint.clear();
        self.shared.queue.close();
        self.shared.requester.replies.close();
    }

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        let links = self.links.lock();
        let mut status = Status {
            counters: self.shared.counters.read(),
            queues: self.shared.queue.read(),
            peers: links.peers(),
            ..Status::default()
        };
        status.counters.extend(self.shared.requester.read());
        status.queues.extend(self.shared.requester.replies.read());
        status.queues.extend(links.requests());
        status
    }
}

/// Whether an endpoint has a host name, and no address.
fn is_name(endpoint: &str) -> bool {
    let address = endpoint.strip_prefix("tcp://").unwrap_or(endpoint);
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    !host.starts_with('[') && host.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn an_endpoint_with_an_address_is_no_name() {
        for (endpoint, wanted) in [
            ("tcp://192.0.2.1:1", false),
            ("tcp://[2001:db8::1]:1", false),
            ("tcp://[fe80::1%eth0]:1", false),
            ("tcp://::1:1", false),
            ("tcp://localhost:1", true),
            ("tcp://192.0.2.example:1", true),
        ] {
            assert_eq!(is_name(endpoint), wanted, "{endpoint}");
        }
    }
}
