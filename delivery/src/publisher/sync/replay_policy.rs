use crate::Position;
use crate::publisher::numbering::epoch_history::EpochHistory;
use crate::publisher::numbering::topic_sequence::TopicSequence;

/// The reply for one position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The events from this sequence on.
    Replay {
        /// The first missing one.
        from: u64,
    },
    /// The latest event of each row.
    Snapshot,
    /// Nothing: this publisher does not know the position.
    Unknown,
}

/// How many times smaller a snapshot must be to replace a replay: a replay omits no event, and the cached size may be smaller
/// than the size that is sent.
const CHEAPER: u64 = 2;

/// Chooses the reply about one topic.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReplayPolicy<'a> {
    pub(super) epoch_history: &'a EpochHistory,
    pub(super) sequence: &'a TopicSequence,
    /// The lowest sequence in the ring, or the next one if there is none.
    pub(super) oldest: u64,
}

impl ReplayPolicy<'_> {
    /// Whether a subscriber can be at this position.
    pub(super) fn knows(&self, position: Position) -> bool {
        self.has_nothing(position) || self.sequence.knows(position, self.epoch_history)
    }

    /// Whether it is the position of a subscriber that has nothing, whichever epoch it knows of.
    fn has_nothing(&self, position: Position) -> bool {
        position == Position::NONE || (position.sequence == 0 && self.epoch_history.contains(position.epoch))
    }

    /// Chooses between a replay of this size in bytes and a snapshot of this size, if there is one ([`CHEAPER`]). A snapshot
    /// that omits events is never cheaper.
    ///
    /// A subscriber that has nothing receives a snapshot if there is one: it contains events that are older than the ring.
    pub(super) fn judge(
        &self,
        position: Position,
        replay_bytes: u64,
        snapshot_bytes: Option<u64>,
    ) -> Verdict {
        if !self.knows(position) {
            return Verdict::Unknown;
        }
        let from = position.sequence.saturating_add(1);
        let has_snapshot = snapshot_bytes.is_some();
        let is_cheaper = snapshot_bytes.is_some_and(|bytes| bytes.saturating_mul(CHEAPER) <= replay_bytes);
        if from < self.oldest {
            return if has_snapshot { Verdict::Snapshot } else { Verdict::Unknown };
        }
        if is_cheaper || (has_snapshot && position.sequence == 0) {
            return Verdict::Snapshot;
        }
        Verdict::Replay { from }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Replay, Snapshot, Unknown};
    use super::{EpochHistory, Position, ReplayPolicy, TopicSequence};

    #[test]
    fn position_ring_and_snapshot_decide_the_reply() {
        let epoch_history = EpochHistory::of(vec![10, 20]).unwrap();
        let mut sequence = TopicSequence::after(0);
        (0..6).for_each(|_| assert!(sequence.give(10) > 0));
        (0..4).for_each(|_| assert!(sequence.give(20) > 6));
        for (epoch, number, oldest, snapshot, wanted) in [
            // In the ring.
            (20, 10, 5, None, Replay { from: 11 }),
            (20, 9, 5, None, Replay { from: 10 }),
            (20, 9, 5, Some(51), Replay { from: 10 }),
            (20, 9, 5, Some(50), Snapshot),
            (10, 6, 5, None, Replay { from: 7 }),
            (20, 6, 5, None, Replay { from: 7 }),
            (10, 4, 5, None, Replay { from: 5 }),
            // Removed from the ring.
            (10, 3, 5, None, Unknown),
            (10, 3, 5, Some(1000), Snapshot),
            (20, 9, 11, None, Unknown),
            (20, 10, 11, None, Replay { from: 11 }),
            // With nothing.
            (0, 0, 1, None, Replay { from: 1 }),
            (0, 0, 1, Some(1000), Snapshot),
            (0, 0, 2, None, Unknown),
            (0, 0, 2, Some(1000), Snapshot),
            (20, 0, 1, None, Replay { from: 1 }),
            (20, 0, 2, Some(1000), Snapshot),
            (20, 0, 2, None, Unknown),
            (15, 0, 1, Some(1), Unknown),
            // Of another epoch, or of the future.
            (10, 7, 5, Some(1), Unknown),
            (20, 5, 5, Some(1), Unknown),
            (20, 11, 5, Some(1), Unknown),
            (15, 6, 1, Some(1), Unknown),
            (30, 10, 1, Some(1), Unknown),
            (0, 1, 1, Some(1), Unknown),
            (u64::MAX, u64::MAX, 1, Some(1), Unknown),
            (20, u64::MAX, 1, Some(1), Unknown),
        ] {
            let policy = ReplayPolicy { epoch_history: &epoch_history, sequence: &sequence, oldest };
            let position = Position { epoch, sequence: number };
            let judged = policy.judge(position, 100, snapshot);
            assert_eq!(judged, wanted, "{position}, oldest {oldest}, snapshot {snapshot:?}");
        }
    }

    #[test]
    fn on_a_topic_without_events_a_new_subscriber_misses_nothing() {
        let epoch_history = EpochHistory::of(vec![10]).unwrap();
        let never = TopicSequence::after(0);
        let policy = ReplayPolicy { epoch_history: &epoch_history, sequence: &never, oldest: 1 };
        assert_eq!(policy.judge(Position::NONE, 0, None), Replay { from: 1 });
        assert_eq!(policy.judge(Position { epoch: 10, sequence: 0 }, 0, None), Replay { from: 1 });
        // A topic that may have been retired.
        let perhaps = TopicSequence::after(7);
        let policy = ReplayPolicy { epoch_history: &epoch_history, sequence: &perhaps, oldest: 8 };
        assert_eq!(policy.judge(Position::NONE, 0, None), Unknown);
        assert_eq!(policy.judge(Position { epoch: 10, sequence: 7 }, 0, None), Replay { from: 8 });
        assert_eq!(policy.judge(Position { epoch: 10, sequence: 6 }, 0, None), Unknown);
    }
}
