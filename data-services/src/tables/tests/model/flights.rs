use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use delivery::Position;

use crate::StreamName;
use crate::tables::TableMessage;

/// What is on its way.
#[derive(Debug)]
pub(super) enum Content {
    /// From the follower of this number.
    ToPublisher(usize, TableMessage),
    ToFollower(usize, TableMessage),
    /// To a follower: the last position of a stream, of a heartbeat.
    Head(usize, StreamName, Position),
}

/// The messages that are on their way, in no order.
#[derive(Debug, Clone, Default)]
pub(super) struct Flights(BTreeMap<u64, Flight>);

#[derive(Debug, Clone)]
struct Flight {
    content: Arc<Content>,
    copies: u8,
}

impl Content {
    /// The follower that sent or receives it.
    pub(super) fn follower(&self) -> usize {
        match self {
            Self::ToPublisher(number, _) | Self::ToFollower(number, _) | Self::Head(number, ..) => *number,
        }
    }

    /// Equal messages have equal ids.
    fn id(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self {
            Self::ToPublisher(number, message) => (1, number, encoded(message)).hash(&mut hasher),
            Self::ToFollower(number, message) => (2, number, encoded(message)).hash(&mut hasher),
            Self::Head(number, stream, position) => (3, number, stream, position).hash(&mut hasher),
        }
        hasher.finish()
    }
}

fn encoded(message: &TableMessage) -> Vec<u8> {
    rmp_serde::to_vec(message).unwrap()
}

impl Flights {
    pub(super) fn put(&mut self, content: Content) {
        let flight = self.0.entry(content.id());
        flight.or_insert_with(|| Flight { content: Arc::new(content), copies: 0 }).copies += 1;
    }

    /// The message of an id; it stays on its way.
    pub(super) fn get(&self, id: u64) -> Arc<Content> {
        Arc::clone(&self.0[&id].content)
    }

    /// Takes one copy of a message away.
    pub(super) fn remove(&mut self, id: u64) {
        let flight = self.0.get_mut(&id).unwrap();
        flight.copies -= 1;
        if flight.copies == 0 {
            self.0.remove(&id);
        }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = u64> {
        self.0.keys().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Hash for Flights {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (id, flight) in &self.0 {
            (id, flight.copies).hash(state);
        }
    }
}
