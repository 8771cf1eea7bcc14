//! A service that acknowledges by hand, or does not.

use std::path::PathBuf;

use drivers_zmtp::protocol::SocketType;
use pubsub_api::wire::{EventRef, append_pairs, encode};
use pubsub_api::{Action, Event, Topic, Value};
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};

use crate::ends::within;
use crate::peer::Peer;

/// A socket to connect to, in a folder of its own.
pub(crate) fn listen() -> (TempDir, PathBuf, UnixListener) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("publisher.sock");
    let listener = UnixListener::bind(&path).unwrap();
    (folder, path, listener)
}

/// The introduction of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Introduced {
    pub(crate) worker: String,
    pub(crate) first: u64,
    pub(crate) sent_before: u64,
}

/// One connection of a worker, its handshake complete and its introduction read.
pub(crate) struct Router {
    pub(crate) peer: Peer<UnixStream>,
    pub(crate) introduced: Introduced,
}

impl Router {
    /// The next worker that connects, met as ROUTER.
    pub(crate) async fn accept(listener: &UnixListener) -> Self {
        let (stream, _) = within("a connection", listener.accept()).await.unwrap();
        let mut peer = Peer::meet_any(stream, 1, &[SocketType::Dealer]).await.unwrap();
        let (topic, payload) = peer.taken().await.unwrap().expect("an introduction");
        assert_eq!(topic, "$worker");
        let event = EventRef::read(b"$worker", &payload).unwrap();
        assert_eq!((event.table, event.action), (Some("$worker"), "worker"));
        let worker = event.key.unwrap().to_owned();
        assert_eq!(worker.len(), 16);
        let (first, sent_before) = (number(&payload, b"\xa5first"), number(&payload, b"\xabsent_before"));
        Self { introduced: Introduced { worker, first, sent_before }, peer }
    }

    /// The next event's payload; `None` at the end.
    pub(crate) async fn event(&mut self) -> Option<String> {
        let taken = self.peer.taken().await.unwrap();
        taken.map(|(_, payload)| String::from_utf8_lossy(&payload).into_owned())
    }

    /// Takes events that have these numbers as payloads.
    pub(crate) async fn expect(&mut self, numbers: std::ops::RangeInclusive<u64>) {
        for number in numbers {
            assert_eq!(self.event().await, Some(number.to_string()));
        }
    }

    pub(crate) async fn acknowledge(&mut self, up_to: u64) {
        self.peer.event("$ack", &ack(up_to)).await;
    }
}

/// The map of an acknowledgement, packed by the event packer.
pub(crate) fn ack(up_to: u64) -> Vec<u8> {
    let topic = Topic::new("$ack").unwrap();
    let event =
        Event { key: None, ..Event::new("$ack", "", Action::Other("ack".to_owned()), Value::Nil, topic) };
    let pair = [&b"\xa4upto\xcf"[..], &up_to.to_be_bytes()].concat();
    let mut map = Vec::new();
    append_pairs(&encode(&event).unwrap(), 1, &pair, &mut map).unwrap();
    map
}

/// The unsigned number of 64 bits after a packed key.
fn number(map: &[u8], key: &[u8]) -> u64 {
    let at = map.windows(key.len()).position(|bytes| bytes == key).unwrap() + key.len();
    assert_eq!(map[at], 0xcf);
    u64::from_be_bytes(map[at + 1..at + 9].try_into().unwrap())
}
