use std::time::Duration;

use crate::StreamName;
use crate::tables::TableMessage;

/// What the network does to packets. Probabilities are in percent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Faults {
    pub(super) loss: u32,
    pub(super) duplication: u32,
    /// Packets take from 1 ms to this time, and overtake each other.
    pub(super) delay: Duration,
}

impl Faults {
    /// Every packet arrives once, in order.
    pub(super) const NONE: Self = Self { loss: 0, duplication: 0, delay: Duration::from_millis(1) };
}

/// A packet that is on its way.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub(super) to: Place,
    pub(super) content: Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Publisher { from: usize },
    Follower(usize),
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Message(TableMessage),
    Head(StreamName, delivery::Position),
    /// The registry lists exactly these streams for the follower.
    Entry(Vec<StreamName>),
}

impl Content {
    pub(super) fn message(&self) -> Option<&TableMessage> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }
}
