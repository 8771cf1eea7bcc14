use std::time::Duration;

use super::Tracker;
use super::payload::Payload;

/// One topic of a publisher's stream.
#[derive(Debug)]
pub(super) struct TrackedTopic {
    pub(super) tracker: Tracker<Payload>,
    pub(super) heard: Duration,
    /// When it fell behind.
    pub(super) behind_since: Duration,
    /// When it last made progress while behind, or fell behind.
    pub(super) moved: Duration,
    /// The number of consecutive replies that did not help.
    pub(super) attempts: u32,
    /// How often in a row it was given up without a reply; 0 if nothing is to be repaired.
    pub(super) repairs: u32,
    /// The number of consecutive replies with an event that could not be opened.
    pub(super) unopened: u32,
    /// Whether a resync was reported, and no snapshot has arrived since.
    pub(super) is_incomplete: bool,
}

impl TrackedTopic {
    pub(super) fn new(tracker: Tracker<Payload>, now: Duration) -> Self {
        Self {
            tracker,
            heard: now,
            behind_since: now,
            moved: now,
            attempts: 0,
            repairs: 0,
            unopened: 0,
            is_incomplete: false,
        }
    }
}
