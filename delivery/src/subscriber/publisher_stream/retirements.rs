use std::time::Duration;

use super::PublisherStream;
use crate::Position;

/// Whether a publisher retired topics while this subscriber was away.
///
/// A retired topic has no mark, and a topic of which the subscriber has seen nothing has no position: only the hello shows that
/// events on it may be missing. Its sequence rises with every topic that is retired.
#[derive(Debug, Default)]
pub(super) struct Retirements {
    /// The last hello; sequence 0 if it had no sequence, or none came.
    known: Position,
    /// When the link was lost; set until the first hello over a link that stands again.
    away_since: Option<Duration>,
}

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
        self.away_since.take().is_some() && hello.sequence > before.sequence
    }
}

impl PublisherStream {
    /// Continues from the last hello that an earlier run of the application received.
    pub(in crate::subscriber) fn resume_hello(&mut self, at: Position, now: Duration) {
        self.retirements.known = at;
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
