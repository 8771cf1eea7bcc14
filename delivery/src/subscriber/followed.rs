use std::time::Duration;

use super::Tracker;
use super::payload::Payload;

/// One topic.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) tracker: Tracker<Payload>,
    pub(super) heard: Duration,
    pub(super) behind_since: Duration,
    /// Not to be asked for before.
    pub(super) ask_at: Duration,
    /// Answers in a row that did not help.
    pub(super) attempts: u32,
}

impl Followed {
    pub(super) fn new(tracker: Tracker<Payload>, now: Duration) -> Self {
        Self { tracker, heard: now, behind_since: now, ask_at: now, attempts: 0 }
    }
}
