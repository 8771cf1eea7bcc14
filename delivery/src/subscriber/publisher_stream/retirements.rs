use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use pubsub_api::Topic;

use super::PublisherStream;
use crate::Position;

/// Whether a publisher retired topics while this subscriber was away.
///
/// A retired topic has no mark, and a topic of which the subscriber has seen nothing has no position: only the hello shows that
/// events on it may be missing. Its sequence rises with every topic that is retired.
#[derive(Debug, Default)]
pub(super) struct Retirements {
    /// The retirements before this sequence of a hello are over: they were before the first contact, or a `Resync` reported
    /// them. `None` before the first hello.
    over: Option<u64>,
    /// The latest `bye`s: by topic, the sequence, and how many `bye`s came before it.
    byes: HashMap<Topic, (u64, u64)>,
    /// The topics of these, the earliest first, each with how many came before it.
    bye_order: VecDeque<(Topic, u64)>,
    noted: u64,
    /// The last hello; sequence 0 if it had no sequence, or none came.
    known: Position,
    /// When the link was lost; set until the first hello over a link that stands again.
    away_since: Option<Duration>,
}

/// The `bye`s that are remembered: more than a publisher repeats.
const MAX_BYES: usize = 8192;

impl Retirements {
    /// The link is lost.
    fn is_away(&mut self, now: Duration) {
        if self.known.sequence > 0 {
            self.away_since.get_or_insert(now);
        }
    }

    /// A hello arrived over a link that stands. Whether topics were retired while the subscriber was away.
    fn hear(&mut self, hello: Position) -> bool {
        let before = std::mem::replace(&mut self.known, hello);
        // A lower one is of a publisher that has lost its ring, which the request about its former epoch reports.
        let were_missed = self.away_since.take().is_some() && hello.sequence > before.sequence;
        if were_missed || self.over.is_none_or(|over| hello.sequence < over) {
            self.over = Some(hello.sequence);
        }
        were_missed
    }

    /// Whether a repeated `bye` is no news; `first` is the sequence of the hello that followed the retirement. Before the first
    /// hello none is: it is repeated again.
    pub(super) fn knows(&self, topic: &Topic, last: u64, first: u64) -> bool {
        self.over.is_none_or(|over| first <= over)
            || self.byes.get(topic).is_some_and(|(known, _)| *known == last)
    }

    /// Notes a `bye`.
    pub(super) fn note(&mut self, topic: &Topic, last: u64) {
        self.noted += 1;
        self.byes.insert(topic.clone(), (last, self.noted));
        self.bye_order.push_back((topic.clone(), self.noted));
        while self.bye_order.len() > MAX_BYES
            && let Some((earliest, noted)) = self.bye_order.pop_front()
        {
            if self.byes.get(&earliest).is_some_and(|(_, latest)| *latest == noted) {
                self.byes.remove(&earliest);
            }
        }
    }
}

impl PublisherStream {
    /// Continues from the last hello that an earlier run of the application received.
    pub(in crate::subscriber) fn resume_hello(&mut self, at: Position, now: Duration) {
        self.retirements.known = at;
        // This run does not know which `bye`s the earlier one received.
        self.retirements.over = Some(at.sequence);
        self.retirements.is_away(now);
    }

    /// The position of the last hello, if that had a sequence.
    pub(in crate::subscriber) fn last_hello(&self) -> Option<Position> {
        Some(self.retirements.known).filter(|known| known.sequence > 0)
    }

    /// A hello of this publisher arrived. Whether topics were retired while the subscriber was away.
    pub(in crate::subscriber) fn hello(&mut self, at: Position) -> bool {
        self.is_proved && self.retirements.hear(at)
    }

    /// The link is lost, or the driver reports that events are missing.
    pub(in crate::subscriber) fn is_away(&mut self, now: Duration) {
        self.retirements.is_away(now);
    }

    /// Whether it is known that no topics were retired, or a `Resync` reports it.
    pub(super) fn knows_retirements(&self) -> bool {
        self.retirements.away_since.is_none()
    }

    /// Forgets the last hello if the link was lost `remembered` ago.
    pub(super) fn forget_hello(&mut self, now: Duration, remembered: Duration) {
        let is_long = |since| now.saturating_sub(since) >= remembered;
        if self.retirements.away_since.is_some_and(is_long) {
            self.retirements = Retirements::default();
            self.has_forgotten = true;
        }
    }
}
