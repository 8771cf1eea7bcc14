//! Everything that a network knows: publishers, subscribers, and the links between them.

mod events;
mod links;
mod requests;

use std::collections::BTreeMap;
use std::sync::Arc;

use pubsub_api::{Error, ErrorKind, Result};
use tokio::sync::Notify;

use crate::bound_publisher::BoundPublisher;
use crate::endpoint;
use crate::fault_plan::FaultPlan;
use crate::open_subscriber::OpenSubscriber;

/// The first port for port 0: the dynamic range of RFC 6335, section 6.
const FIRST_DYNAMIC_PORT: u16 = 49152;

/// The state of a network. A publisher and a subscriber are linked while the publisher is bound, the subscriber runs, knows
/// its endpoint, and the link is not broken; on a broker while the subscriber runs and the broker is there.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) plan: FaultPlan,
    is_broker: bool,
    is_broker_down: bool,
    publishers: BTreeMap<u64, BoundPublisher>,
    subscribers: BTreeMap<u64, OpenSubscriber>,
    last_id: u64,
    last_port: u16,
}

impl State {
    pub(crate) fn new(seed: u64, is_broker: bool) -> Self {
        Self {
            plan: FaultPlan::new(seed),
            is_broker,
            is_broker_down: false,
            publishers: BTreeMap::new(),
            subscribers: BTreeMap::new(),
            last_id: 0,
            last_port: u16::MAX,
        }
    }

    /// Adds a subscriber; returns its id.
    pub(crate) fn open(&mut self, name: &str, wake: &Arc<Notify>) -> u64 {
        let id = self.next_id();
        self.subscribers.insert(id, OpenSubscriber::new(name, wake));
        id
    }

    /// Binds a publisher; returns its id and endpoint.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the endpoint is in use.
    pub(crate) fn bind(
        &mut self,
        name: &str,
        host: &str,
        port: u16,
        wake: &Arc<Notify>,
    ) -> Result<(u64, String)> {
        let endpoint = match (self.is_broker, port) {
            (true, _) => endpoint::BROKER.to_owned(),
            (false, 0) => self.free_endpoint(host)?,
            (false, port) => endpoint::endpoint(host, port),
        };
        if !self.is_broker && self.is_in_use(&endpoint) {
            let text = format!("cannot bind {endpoint}: it is in use by another publisher of this network");
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        let id = self.next_id();
        self.publishers.insert(id, BoundPublisher::new(name, &endpoint, wake));
        if !self.is_broker {
            for subscriber in self.linked_to(id) {
                self.report_up(id, subscriber);
            }
        }
        Ok((id, endpoint))
    }

    /// The publisher with this id, until it is released.
    pub(crate) fn publisher(&mut self, id: u64) -> Option<&mut BoundPublisher> {
        self.publishers.get_mut(&id)
    }

    /// The subscriber with this id, until it is dropped.
    pub(crate) fn subscriber(&mut self, id: u64) -> Option<&mut OpenSubscriber> {
        self.subscribers.get_mut(&id)
    }

    pub(crate) fn is_broker_down(&self) -> bool {
        self.is_broker_down
    }

    fn is_in_use(&self, endpoint: &str) -> bool {
        self.publishers.values().any(|publisher| publisher.endpoint == endpoint)
    }

    /// The next free port after the latest one, so that a port just released is not used by another publisher.
    fn free_endpoint(&mut self, host: &str) -> Result<String> {
        for _ in FIRST_DYNAMIC_PORT..=u16::MAX {
            self.last_port = self.last_port.wrapping_add(1).max(FIRST_DYNAMIC_PORT);
            let endpoint = endpoint::endpoint(host, self.last_port);
            if !self.is_in_use(&endpoint) {
                return Ok(endpoint);
            }
        }
        Err(Error::new(ErrorKind::Unavailable, format!("cannot bind {host}: all its ports are in use")))
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}
