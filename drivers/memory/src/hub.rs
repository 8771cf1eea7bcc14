use std::sync::{Arc, Mutex, OnceLock};

use pubsub_api::{Envelope, Error, ErrorKind, Result};

use crate::endpoint::Endpoint;
use crate::fanout::Fanout;
use crate::lock::lock;
use crate::replies::Replies;
use crate::request_queue::RequestQueue;
use crate::stream::Stream;

/// The ports that are drawn for `publisher_port = 0`: the dynamic range of RFC 6335, section 6.
const FIRST_DRAWN_PORT: u16 = 49152;

/// Where the network publishers and subscribers of this process meet.
///
/// It is locked to bind, release, join, leave and ask, never to send. Lock order: hub, fan-out, stream or replies.
#[derive(Debug)]
pub(crate) struct Hub {
    places: Mutex<Places>,
}

#[derive(Debug)]
struct Places {
    bound: Vec<Arc<Fanout>>,
    joined: Vec<(Endpoint, Arc<Stream>)>,
    latest_drawn_port: u16,
}

impl Hub {
    /// The hub of this process.
    pub(crate) fn of_this_process() -> &'static Self {
        static HUB: OnceLock<Hub> = OnceLock::new();
        HUB.get_or_init(|| {
            let places = Places { bound: Vec::new(), joined: Vec::new(), latest_drawn_port: u16::MAX };
            Self { places: Mutex::new(places) }
        })
    }

    /// Binds a publisher, drawing a port for 0, and links every subscriber that waits for it.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if another publisher is bound there, or no port is left to draw.
    pub(crate) fn bind(&self, endpoint: &Endpoint, requests: &Arc<RequestQueue>) -> Result<Arc<Fanout>> {
        let mut places = lock(&self.places);
        let endpoint = if endpoint.port() == 0 { places.draw_port(endpoint)? } else { endpoint.clone() };
        if let Some(other) = places.at(&endpoint) {
            let text = format!(
                "cannot bind {endpoint}: it is in use by the publisher at {} of this process; close that one or \
                 choose another publisher_port",
                other.endpoint()
            );
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        let fanout = Arc::new(Fanout::new(endpoint, Arc::clone(requests)));
        for (address, stream) in &places.joined {
            if address.overlaps(fanout.endpoint()) {
                fanout.link(address, stream);
            }
        }
        places.bound.push(Arc::clone(&fanout));
        Ok(fanout)
    }

    /// Releases the publisher's address; its subscribers wait for the next one there.
    pub(crate) fn release(&self, fanout: &Arc<Fanout>) {
        let mut places = lock(&self.places);
        places.bound.retain(|other| !Arc::ptr_eq(other, fanout));
        fanout.unlink_all();
    }

    /// Links a subscriber to whoever is bound at `address`, now or later.
    pub(crate) fn join(&self, address: &Endpoint, stream: &Arc<Stream>) {
        let mut places = lock(&self.places);
        places.joined.push((address.clone(), Arc::clone(stream)));
        if let Some(fanout) = places.at(address) {
            fanout.link(address, stream);
        }
    }

    /// Ends what `join` began.
    pub(crate) fn leave(&self, address: &Endpoint, stream: &Arc<Stream>) {
        let mut places = lock(&self.places);
        places.joined.retain(|(other, joined)| other != address || !Arc::ptr_eq(joined, stream));
        if let Some(fanout) = places.at(address) {
            fanout.unlink(address, stream);
        }
    }

    /// Asks whoever is bound at `address`, for a subscriber that joined; if nobody is, the request is lost at once. `false`
    /// if there is no room for it.
    pub(crate) fn ask(
        &self,
        address: &Endpoint,
        stream: &Arc<Stream>,
        replies: &Arc<Replies>,
        envelope: Envelope,
    ) -> bool {
        let places = lock(&self.places);
        match places.at(address) {
            Some(fanout) => fanout.ask(address, stream, replies, envelope),
            None => {
                replies.refuse(&address.to_string(), "nobody is bound there");
                true
            }
        }
    }

    /// Whether a subscriber is linked to a publisher at `address` now.
    pub(crate) fn is_linked(&self, address: &Endpoint, stream: &Arc<Stream>) -> bool {
        lock(&self.places).at(address).is_some_and(|fanout| fanout.has(address, stream))
    }
}

impl Places {
    fn at(&self, endpoint: &Endpoint) -> Option<&Arc<Fanout>> {
        self.bound.iter().find(|fanout| fanout.endpoint().overlaps(endpoint))
    }

    /// The next free port after the latest drawn one, so that a port just released is not taken by a stranger.
    fn draw_port(&mut self, endpoint: &Endpoint) -> Result<Endpoint> {
        for _ in FIRST_DRAWN_PORT..=u16::MAX {
            let next = self.latest_drawn_port.wrapping_add(1).max(FIRST_DRAWN_PORT);
            self.latest_drawn_port = next;
            let drawn = endpoint.with_port(next);
            if self.at(&drawn).is_none() {
                return Ok(drawn);
            }
        }
        let text = format!("cannot bind {endpoint}: every port from {FIRST_DRAWN_PORT} on is in use");
        Err(Error::new(ErrorKind::Unavailable, text))
    }
}
