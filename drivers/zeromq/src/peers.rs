use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::mpsc as monitor;
use futures_util::StreamExt;
use pubsub_api::PeerReading;
use zeromq::SocketEvent;
use zeromq::util::PeerIdentity;

/// The peers of a bound socket, as reported by the crate's monitor.
#[derive(Debug, Default)]
pub(crate) struct Peers(Mutex<HashMap<PeerIdentity, String>>);

/// The number of peers that a status lists.
const LISTED: usize = 4096;

impl Peers {
    /// Follows the monitor until the socket is closed.
    pub(crate) fn follow(self: &Arc<Self>, mut events: monitor::Receiver<SocketEvent>) {
        let peers = Arc::clone(self);
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                match event {
                    SocketEvent::Accepted(endpoint, peer) => {
                        peers.lock().insert(peer, endpoint.to_string());
                    }
                    SocketEvent::Disconnected(peer) => {
                        peers.lock().remove(&peer);
                    }
                    _ => {}
                }
            }
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn read(&self) -> Vec<PeerReading> {
        let up = |endpoint: &String| PeerReading { endpoint: endpoint.clone(), state: "up".to_owned() };
        let mut readings: Vec<PeerReading> = self.lock().values().take(LISTED).map(up).collect();
        readings.sort_by(|one, other| one.endpoint.cmp(&other.endpoint));
        readings
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PeerIdentity, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
