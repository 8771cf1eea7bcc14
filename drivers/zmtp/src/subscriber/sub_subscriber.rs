use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use pubsub_api::settings::without_userinfo;
use pubsub_api::{
    Batch, Envelope, Error, ErrorKind, Incoming, Notice, QueueReading, Requester, Result, Status, Subscriber,
    Subscription,
};
use tokio::task::JoinHandle;

use super::sub_ask_link::AskLink;
use super::sub_link::SubLink;
use super::sub_shared::{LinkState, Shared};
use crate::ZmtpSettings;
use crate::wire::closed;

/// The agent's end of the network hop: SUB, one link per publisher.
///
/// All links put what they receive into one queue of `recv_queue_events`, a block of events at a time. Which topics are
/// wanted is checked once more when an event is taken out of it: ZeroMQ filters by prefix, and what was unsubscribed may
/// be on its way.
#[derive(Debug)]
pub struct SubSubscriber {
    pub(super) shared: Arc<Shared>,
    links: Mutex<Links>,
}

#[derive(Debug, Default)]
struct Links {
    by_endpoint: BTreeMap<String, Link>,
    phase: Phase,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    New,
    Running,
    Closed,
}

#[derive(Debug, Default)]
struct Link {
    state: Arc<LinkState>,
    task: Option<JoinHandle<()>>,
    /// Since the first request.
    ask: Option<AskLink>,
}

impl Link {
    fn start(&mut self, endpoint: &str, shared: &Arc<Shared>) {
        if self.task.is_none() {
            self.task = Some(tokio::spawn(SubLink::new(endpoint, shared, &self.state).run()));
        }
    }

    fn ask(&mut self, endpoint: &str, request: Envelope, shared: &Arc<Shared>) -> bool {
        let state = &self.state;
        self.ask.get_or_insert_with(|| AskLink::start(endpoint, shared, state)).ask(request)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.state.leave();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl SubSubscriber {
    pub(crate) fn new(settings: ZmtpSettings) -> Self {
        Self { shared: Arc::new(Shared::new(settings)), links: Mutex::default() }
    }

    fn links(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks a publisher; `false` if it is none of ours, or has no room for more.
    pub(super) fn ask(&self, endpoint: &str, request: Envelope) -> bool {
        let mut links = self.links();
        if links.phase != Phase::Running {
            return false;
        }
        let Some(link) = links.by_endpoint.get_mut(endpoint) else { return false };
        if !self.shared.asking.takes(&request) {
            return false;
        }
        let asked = link.ask(endpoint, request, &self.shared);
        if !asked {
            self.shared.asking.refuse("queue_full");
        }
        asked
    }
}

impl Links {
    /// The requests that wait, of the publisher for which the most do.
    fn requests(&self) -> Option<QueueReading> {
        let waiting = self.by_endpoint.values().filter_map(|link| link.ask.as_ref().map(AskLink::waiting));
        waiting.max().map(|(depth, bound)| QueueReading {
            name: "requests".to_owned(),
            depth: depth as u64,
            bound: bound as u64,
            unit: "events".to_owned(),
            when_full: "a further request is refused; the depth is that of the fullest publisher".to_owned(),
        })
    }
}

#[async_trait]
impl Subscriber for SubSubscriber {
    async fn initialize(&self) -> Result<()> {
        let mut links = self.links();
        if links.phase == Phase::Closed {
            return Err(closed("subscriber"));
        }
        links.phase = Phase::Running;
        for (endpoint, link) in &mut links.by_endpoint {
            link.start(endpoint, &self.shared);
        }
        Ok(())
    }

    fn register_listen_address(&self, endpoint: &str) -> Result<bool> {
        check_endpoint(endpoint)?;
        let mut links = self.links();
        if links.phase == Phase::Closed {
            return Err(closed("subscriber"));
        }
        if links.by_endpoint.contains_key(endpoint) {
            return Ok(false);
        }
        let mut link = Link::default();
        if links.phase == Phase::Running {
            link.start(endpoint, &self.shared);
        }
        links.by_endpoint.insert(endpoint.to_owned(), link);
        Ok(true)
    }

    fn unregister_listen_address(&self, endpoint: &str) -> bool {
        let Some(link) = self.links().by_endpoint.remove(endpoint) else { return false };
        link.state.leave();
        if let Some(ask) = &link.ask {
            ask.leave(&self.shared);
        }
        true
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
        let mut links = self.links();
        links.phase = Phase::Closed;
        links.by_endpoint.clear();
        self.shared.queue.close();
        self.shared.asking.replies.close();
    }

    fn endpoint(&self) -> Option<String> {
        None
    }

    fn status(&self) -> Status {
        let links = self.links();
        let peers = links.by_endpoint.iter().flat_map(|(endpoint, link)| link.state.read(endpoint)).collect();
        let mut status =
            Status { counters: self.shared.counters.read(), queues: self.shared.queue.read(), peers };
        status.counters.extend(self.shared.asking.read());
        status.queues.extend(self.shared.asking.replies.read());
        status.queues.extend(links.requests());
        status
    }
}

fn check_endpoint(endpoint: &str) -> Result<()> {
    if endpoint.contains('@') {
        let text = format!(
            "{} has a user or a password before `@`, which this driver does not use: write it as tcp://192.0.2.1:8866",
            without_userinfo(endpoint)
        );
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    let address = match endpoint.split_once("://") {
        Some(("tcp", address)) => address,
        Some((transport, _)) => {
            let text = format!("zmtp_pubsub_driver does not speak {transport:?} ({endpoint}); it speaks tcp");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        None => {
            let text = format!("{endpoint:?} is no endpoint; write it as tcp://192.0.2.1:8866");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
    };
    let has_port = address
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
    if has_port {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!("{endpoint:?} lacks a port; write it as tcp://192.0.2.1:8866"),
    ))
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, check_endpoint};

    #[test]
    fn a_password_in_an_endpoint_is_refused_and_not_shown() {
        for endpoint in ["tcp://user:canary@10.0.0.1:8866", "canary@10.0.0.1:8866", "tcp://:canary@10.0.0.1"]
        {
            let error = check_endpoint(endpoint).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        check_endpoint("tcp://10.0.0.1:8866").unwrap();
    }
}
