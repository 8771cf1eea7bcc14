use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pubsub_api::{Envelope, PeerReading, QueueReading, link_endpoint, registered_endpoint};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::link::SubLink;
use super::link_state::LinkState;
use super::subscriber_state::SubscriberState;
use crate::request::dealer::link::RequestLink;

/// All links of a subscriber, by endpoint: to publishers and names that were registered, and to the addresses of names.
#[derive(Debug, Default, Clone)]
pub(super) struct Links(Arc<Mutex<State>>);

/// The state under the lock.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) by_endpoint: BTreeMap<String, Link>,
    pub(super) phase: Phase,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    New,
    Running,
    Closed,
}

#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) state: Arc<LinkState>,
    pub(super) task: Option<JoinHandle<()>>,
    /// Since the first request.
    ask: Option<RequestLink>,
}

impl Links {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a task that ends with the subscriber.
    pub(super) fn downgrade(&self) -> WeakLinks {
        WeakLinks(Arc::downgrade(&self.0))
    }
}

/// The links, as long as the subscriber is there.
#[derive(Debug)]
pub(super) struct WeakLinks(std::sync::Weak<Mutex<State>>);

impl WeakLinks {
    pub(super) fn upgrade(&self) -> Option<Links> {
        self.0.upgrade().map(Links)
    }
}

impl Link {
    fn ask(&mut self, endpoint: &str, request: Envelope, shared: &Arc<SubscriberState>) -> bool {
        let state = &self.state;
        self.ask.get_or_insert_with(|| RequestLink::start(endpoint, shared, state)).ask(request)
    }

    /// Ends it: from now on it delivers nothing.
    fn leave(self, shared: &SubscriberState) {
        self.state.leave();
        if let Some(ask) = &self.ask {
            ask.leave(shared);
        }
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

impl State {
    /// Starts the link to one address of a name; `false` if the name whose state this is was left.
    pub(super) fn start_address(
        &mut self,
        (name, state): (&str, &Arc<LinkState>),
        address: SocketAddr,
        shared: &Arc<SubscriberState>,
        changed: &Arc<Notify>,
    ) -> bool {
        if !self.by_endpoint.get(name).is_some_and(|link| Arc::ptr_eq(&link.state, state)) {
            return false;
        }
        let endpoint = link_endpoint(name, address.ip());
        let mut link = Link::default();
        let task = SubLink::new(&endpoint, shared, &link.state).of_name(address.to_string(), changed);
        link.task = Some(tokio::spawn(task.run()));
        self.by_endpoint.insert(endpoint, link);
        true
    }

    /// Ends the link to one address of a name; its state, if it was there.
    pub(super) fn leave_address(
        &mut self,
        name: &str,
        address: IpAddr,
        shared: &SubscriberState,
    ) -> Option<Arc<LinkState>> {
        let link = self.by_endpoint.remove(&link_endpoint(name, address))?;
        let state = Arc::clone(&link.state);
        link.leave(shared);
        Some(state)
    }

    /// Ends what was registered, and the links to all addresses if it is a name; `false` if it was not registered.
    pub(super) fn unregister(&mut self, endpoint: &str, shared: &SubscriberState) -> bool {
        if registered_endpoint(endpoint) != endpoint {
            return false;
        }
        let gone: Vec<String> = self.of(endpoint).map(|(link, _)| link.clone()).collect();
        for link in gone.iter().filter_map(|link| self.by_endpoint.remove(link)).collect::<Vec<_>>() {
            link.leave(shared);
        }
        !gone.is_empty()
    }

    /// What was registered as `endpoint`, and the links to its addresses.
    pub(super) fn of(&self, endpoint: &str) -> impl Iterator<Item = (&String, &Link)> {
        self.by_endpoint.iter().filter(move |(link, _)| registered_endpoint(link) == endpoint)
    }

    /// Sends a request to a publisher; `false` if it is not registered or its queue is full.
    pub(super) fn ask(&mut self, endpoint: &str, request: Envelope, shared: &Arc<SubscriberState>) -> bool {
        if self.phase != Phase::Running {
            return false;
        }
        let Some(link) = self.by_endpoint.get_mut(endpoint) else { return false };
        if !shared.requester.takes(&request) {
            return false;
        }
        let asked = link.ask(endpoint, request, shared);
        if !asked {
            shared.requester.refuse("queue_full");
        }
        asked
    }

    /// The state of each link.
    pub(super) fn peers(&self) -> Vec<PeerReading> {
        self.by_endpoint.iter().map(|(endpoint, link)| link.state.read(endpoint)).collect()
    }

    /// The queue of requests of the publisher with the fullest one.
    pub(super) fn requests(&self) -> Option<QueueReading> {
        let waiting =
            self.by_endpoint.values().filter_map(|link| link.ask.as_ref().map(RequestLink::waiting));
        waiting.max().map(|(depth, bound)| {
            QueueReading::new(
                "requests",
                "events",
                (depth, bound),
                "a further request is refused; the depth is that of the fullest publisher",
            )
        })
    }
}
