use std::sync::{Arc, Mutex, OnceLock};

use pubsub_api::{Envelope, Error, ErrorKind, Result};

use crate::endpoint::Endpoint;
use crate::fanout::Fanout;
use crate::lock::lock;
use crate::replies::Replies;
use crate::request_queue::RequestQueue;
use crate::stream::Stream;

/// The first port for `publisher_port = 0`: the dynamic range of RFC 6335, section 6.
const FIRST_DYNAMIC_PORT: u16 = 49152;

/// Connects the network publishers and subscribers of this process.
///
/// It is locked to bind, release, join, leave and request, never to send. Lock order: hub, fan-out, stream or replies.
#[derive(Debug)]
pub(crate) struct Hub {
    bindings: Mutex<Bindings>,
}

#[derive(Debug)]
struct Bindings {
    bound: Vec<Arc<Fanout>>,
    joined: Vec<(Endpoint, Arc<Stream>)>,
    latest_port: u16,
}

impl Hub {
    /// The hub of this process.
    pub(crate) fn of_this_process() -> &'static Self {
        static HUB: OnceLock<Hub> = OnceLock::new();
        HUB.get_or_init(|| {
            let bindings = Bindings { bound: Vec::new(), joined: Vec::new(), latest_port: u16::MAX };
            Self { bindings: Mutex::new(bindings) }
        })
    }

    /// Binds a publisher, choosing a port for 0, and links every subscriber that waits for it.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if another publisher is bound there, or no port is free.
    pub(crate) fn bind(&self, endpoint: &Endpoint, requests: &Arc<RequestQueue>) -> Result<Arc<Fanout>> {
        let mut bindings = lock(&self.bindings);
        let endpoint =
            if endpoint.port() == 0 { bindings.next_free_port(endpoint)? } else { endpoint.clone() };
        if let Some(other) = bindings.at(&endpoint) {
            let text = format!(
                "cannot bind {endpoint}: it is in use by the publisher at {} of this process; close that one or \
                 choose another publisher_port",
                other.endpoint()
            );
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        let fanout = Arc::new(Fanout::new(endpoint, Arc::clone(requests)));
        for (address, stream) in &bindings.joined {
            if address.overlaps(fanout.endpoint()) {
                fanout.link(address, stream);
            }
        }
        bindings.bound.push(Arc::clone(&fanout));
        Ok(fanout)
    }

    /// Releases the publisher's address; its subscribers wait for the next one there.
    pub(crate) fn release(&self, fanout: &Arc<Fanout>) {
        let mut bindings = lock(&self.bindings);
        bindings.bound.retain(|other| !Arc::ptr_eq(other, fanout));
        fanout.unlink_all();
    }

    /// Links a subscriber to the publisher bound at `address`, now or later.
    pub(crate) fn join(&self, address: &Endpoint, stream: &Arc<Stream>) {
        let mut bindings = lock(&self.bindings);
        bindings.joined.push((address.clone(), Arc::clone(stream)));
        if let Some(fanout) = bindings.at(address) {
            fanout.link(address, stream);
        }
    }

    /// Reverts `join`.
    pub(crate) fn leave(&self, address: &Endpoint, stream: &Arc<Stream>) {
        let mut bindings = lock(&self.bindings);
        bindings.joined.retain(|(other, joined)| other != address || !Arc::ptr_eq(joined, stream));
        if let Some(fanout) = bindings.at(address) {
            fanout.unlink(address, stream);
        }
    }

    /// Sends a request of a subscriber that joined `address`. If no publisher is bound there, the request is lost at once.
    /// Returns `false` if there is no room for it.
    pub(crate) fn request(
        &self,
        address: &Endpoint,
        stream: &Arc<Stream>,
        replies: &Arc<Replies>,
        envelope: Envelope,
    ) -> bool {
        let bindings = lock(&self.bindings);
        match bindings.at(address) {
            Some(fanout) => fanout.request(address, stream, replies, envelope),
            None => {
                replies.refuse(&address.to_string(), "no publisher is bound there");
                true
            }
        }
    }

    /// Whether a subscriber is linked to a publisher at `address` now.
    pub(crate) fn is_linked(&self, address: &Endpoint, stream: &Arc<Stream>) -> bool {
        lock(&self.bindings).at(address).is_some_and(|fanout| fanout.has(address, stream))
    }
}

impl Bindings {
    fn at(&self, endpoint: &Endpoint) -> Option<&Arc<Fanout>> {
        self.bound.iter().find(|fanout| fanout.endpoint().overlaps(endpoint))
    }

    /// The next free port after the latest one, so that a port just released is not reused by another publisher.
    fn next_free_port(&mut self, endpoint: &Endpoint) -> Result<Endpoint> {
        for _ in FIRST_DYNAMIC_PORT..=u16::MAX {
            let next = self.latest_port.wrapping_add(1).max(FIRST_DYNAMIC_PORT);
            self.latest_port = next;
            let drawn = endpoint.with_port(next);
            if self.at(&drawn).is_none() {
                return Ok(drawn);
            }
        }
        let text = format!("cannot bind {endpoint}: all ports from {FIRST_DYNAMIC_PORT} are in use");
        Err(Error::new(ErrorKind::Unavailable, text))
    }
}
