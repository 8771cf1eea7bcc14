use std::collections::BTreeMap;

use super::BusAction;
use crate::StreamName;

/// Changes of what the driver follows and is connected to that it has not been asked for yet.
///
/// Bounded by the number of streams and endpoints: a change that undoes a waiting one removes it, since the driver is in the
/// state before both.
#[derive(Debug, Default)]
pub(super) struct DeferredChanges {
    waiting: BTreeMap<Subject, BusAction>,
    total: u64,
}

/// What a change is about. Changes of different subjects may happen in any order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Endpoint(String),
    Stream(StreamName),
}

impl DeferredChanges {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The number of changes that were added.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Adds a change; no effect for a message.
    pub(super) fn add(&mut self, action: BusAction) {
        let Some(subject) = Subject::of(&action) else { return };
        self.total += 1;
        let undone = self.waiting.remove(&subject).is_some_and(|waiting| waiting != action);
        if !undone {
            self.waiting.insert(subject, action);
        }
    }

    /// Removes and returns a change.
    pub(super) fn take(&mut self) -> Option<BusAction> {
        self.waiting.pop_first().map(|(_, action)| action)
    }
}

impl Subject {
    fn of(action: &BusAction) -> Option<Self> {
        match action {
            BusAction::Follow(stream) | BusAction::Unfollow(stream) => Some(Self::Stream(stream.clone())),
            BusAction::Connect(endpoint) | BusAction::Disconnect(endpoint) => {
                Some(Self::Endpoint(endpoint.clone()))
            }
            BusAction::Send(_) | BusAction::Introduce { .. } => None,
        }
    }
}
