use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use pubsub_api::CauseCounter;
use tokio::sync::{Semaphore, mpsc};

use super::{EventStream, Eviction};

/// The open streams of events. What is sent is encoded once for all of them.
#[derive(Debug)]
pub(crate) struct EventHub {
    clients: Mutex<Vec<Client>>,
    places: Arc<Semaphore>,
    troubles: CauseCounter,
}

#[derive(Debug)]
struct Client {
    events: mpsc::Sender<Bytes>,
    eviction: Eviction,
    /// It has received no snapshot yet.
    is_new: bool,
}

/// The number of open streams. They are connections of the endpoint, too: half of its places are left to scrapes.
pub(crate) const MAX_STREAMS: usize = 16;

/// The events that wait for a client, beside those in its socket. A client that does not read them is disconnected, and may connect
/// again.
const MAX_WAITING_EVENTS: usize = 4;

/// What a client receives at once: after how many milliseconds it connects again when the stream has ended.
const OPENING: &[u8] = b"retry: 2000\n\n";

/// A comment, which clients ignore: the stream lives.
const HEARTBEAT: &[u8] = b": heartbeat\n\n";

impl EventHub {
    pub(crate) fn new() -> Self {
        Self {
            clients: Mutex::default(),
            places: Arc::new(Semaphore::new(MAX_STREAMS)),
            troubles: CauseCounter::new("event_stream_troubles"),
        }
    }

    /// Opens a stream. Its first event is a snapshot, at the next second. `None` if there is no place.
    pub(crate) fn open(&self) -> Option<EventStream> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            if let Some(times) = self.troubles.count("too_many", Instant::now()) {
                tracing::warn!(id = "SK1103", times, "refused a stream of events: {MAX_STREAMS} are open");
            }
            return None;
        };
        let (sender, events) = mpsc::channel(MAX_WAITING_EVENTS);
        let eviction = Eviction::default();
        // A new channel has room.
        let _ = sender.try_send(Bytes::from_static(OPENING));
        self.clients().push(Client { events: sender, eviction: eviction.clone(), is_new: true });
        Some(EventStream { events, eviction, _place: place })
    }

    /// Whether a stream is open.
    pub(crate) fn is_watched(&self) -> bool {
        let mut clients = self.clients();
        clients.retain(|client| !client.events.is_closed());
        !clients.is_empty()
    }

    /// Sends a snapshot to new clients, and the changes to all others. Each is made at most once.
    pub(crate) fn publish(&self, snapshot: impl FnOnce() -> Vec<u8>, changes: impl FnOnce() -> Vec<u8>) {
        let (mut snapshot, mut changes) = (Lazy::new(snapshot), Lazy::new(changes));
        self.send(
            |client| {
                if std::mem::take(&mut client.is_new) { snapshot.bytes() } else { changes.bytes() }
            },
        );
    }

    /// Sends a comment to all clients, where there is nothing else to send.
    pub(crate) fn beat(&self) {
        self.send(|_| Bytes::from_static(HEARTBEAT));
    }

    fn send(&self, mut event: impl FnMut(&mut Client) -> Bytes) {
        self.clients().retain_mut(|client| {
            let event = event(client);
            match client.events.try_send(event) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Closed(_)) => false,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    if let Some(times) = self.troubles.count("slow", Instant::now()) {
                        tracing::warn!(
                            id = "SK1103",
                            times,
                            "closed a stream of events: its client does not read"
                        );
                    }
                    client.eviction.evict();
                    false
                }
            }
        });
    }

    fn clients(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that are made when they are first needed.
struct Lazy<F> {
    make: Option<F>,
    made: Bytes,
}

impl<F: FnOnce() -> Vec<u8>> Lazy<F> {
    fn new(make: F) -> Self {
        Self { make: Some(make), made: Bytes::new() }
    }

    fn bytes(&mut self) -> Bytes {
        if let Some(make) = self.make.take() {
            self.made = Bytes::from(make());
        }
        self.made.clone()
    }
}
