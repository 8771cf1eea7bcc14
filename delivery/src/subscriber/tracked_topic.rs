use std::time::Duration;

use super::Tracker;
use super::payload::Payload;

/// One topic.
#[derive(Debug)]
pub(super) struct TrackedTopic {
    pub(super) tracker: Tracker<Payload>,
    pub(super) heard: Duration,
    /// Since when it is behind.
    pub(super) behind_since: Duration,
    /// When it came further while it was behind, or fell behind.
    pub(super) moved: Duration,
    /// Answers in a row that did not help.
    pub(super) attempts: u32,
    /// Times in a row that it was given up for want of an answer; 0 if nothing is to be repaired.
    pub(super) repairs: u32,
    /// Whether a resync was reported, and no snapshot came since.
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
            is_incomplete: false,
        }
    }
}
