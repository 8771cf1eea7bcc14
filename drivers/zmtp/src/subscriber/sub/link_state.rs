use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pubsub_api::PeerReading;

/// How far a link is, and whether it is still wanted.
#[derive(Debug, Default)]
pub(crate) struct LinkState {
    left: AtomicBool,
    place: Mutex<Place>,
}

#[derive(Debug, Default)]
struct Place {
    phase: Phase,
    /// Where the last connection led.
    address: Option<SocketAddr>,
}

/// How far a link is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Connecting,
    Up,
    Subscribed,
    /// Connecting, in vain for longer than a publisher may be silent.
    Unreachable,
    /// The same, where no publisher is missed: none was heard there, or it is heard at another address.
    Unanswered,
    /// Its connection was closed, since this other link leads to the same publisher.
    SamePublisher(String),
    /// A name, with the number of its addresses that are followed, and of those that are not.
    Name(usize, usize),
}

impl LinkState {
    pub(crate) fn set(&self, phase: Phase) {
        self.place().phase = phase;
    }

    pub(crate) fn is(&self, phase: &Phase) -> bool {
        self.place().phase == *phase
    }

    /// Whether a publisher is connected, over this link or another one.
    pub(crate) fn is_connected(&self) -> bool {
        matches!(self.place().phase, Phase::Up | Phase::Subscribed | Phase::SamePublisher(_))
    }

    /// Whether `LinkUp` was reported, and no `LinkDown` since.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.place().phase, Phase::Up | Phase::Subscribed)
    }

    /// From now on this link puts nothing into the queue.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_left(&self) -> bool {
        self.left.load(Ordering::SeqCst)
    }

    /// Notes where the connection leads.
    pub(crate) fn connected_to(&self, address: Option<SocketAddr>) {
        self.place().address = address;
    }

    /// Where the last connection for events led: requests go to the same publisher.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.place().address
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state in words.
    pub(crate) fn read(&self, endpoint: &str) -> PeerReading {
        let state = match &self.place().phase {
            Phase::Connecting => "connecting".to_owned(),
            Phase::Up => "up".to_owned(),
            Phase::Subscribed => "subscribed".to_owned(),
            Phase::Unreachable => "unreachable".to_owned(),
            Phase::Unanswered => "unanswered".to_owned(),
            Phase::SamePublisher(other) => format!("same publisher as {other}"),
            Phase::Name(1, 0) => "1 address".to_owned(),
            Phase::Name(followed, 0) => format!("{followed} addresses"),
            Phase::Name(followed, others) => format!("{followed} addresses; {others} more are not followed"),
        };
        PeerReading { endpoint: endpoint.to_owned(), state }
    }
}
