use crate::Position;
use crate::publisher::numbering::line::Line;
use crate::publisher::numbering::lineage::Lineage;

/// What someone at a position is to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The events from this number on.
    Replay {
        /// The first that is missing.
        from: u64,
    },
    /// The latest event of each row.
    Snapshot,
    /// Nothing: it is nowhere that this publisher knows.
    Unknown,
}

/// A snapshot instead of a replay must be so many times smaller: a replay leaves no event out, and what is in the cache may
/// not be all of what will be sent.
const CHEAPER: u64 = 2;

/// One topic, as it is when someone asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) lineage: &'a Lineage,
    pub(super) line: &'a Line,
    /// The lowest number in the ring, or the one that comes next.
    pub(super) oldest: u64,
}

impl Standing<'_> {
    /// Whether someone can be at this position.
    pub(super) fn knows(&self, position: Position) -> bool {
        self.has_nothing(position) || self.line.knows(position, self.lineage)
    }

    /// Whether it is the position of someone who has nothing, of whichever epoch that has heard.
    fn has_nothing(&self, position: Position) -> bool {
        position == Position::NONE || (position.number == 0 && self.lineage.contains(position.epoch))
    }

    /// Decides, where a replay takes so many bytes, and so does a snapshot if there is one (whichever is cheaper, by
    /// [`CHEAPER`]). A snapshot that leaves events out is never cheaper.
    ///
    /// Who has nothing gets a snapshot wherever there is one: what is older than the ring is in it.
    pub(super) fn judge(
        &self,
        position: Position,
        replay_bytes: u64,
        snapshot_bytes: Option<u64>,
    ) -> Verdict {
        if !self.knows(position) {
            return Verdict::Unknown;
        }
        let from = position.number.saturating_add(1);
        let has_snapshot = snapshot_bytes.is_some();
        let is_cheaper = snapshot_bytes.is_some_and(|bytes| bytes.saturating_mul(CHEAPER) <= replay_bytes);
        if from < self.oldest {
            return if has_snapshot { Verdict::Snapshot } else { Verdict::Unknown };
        }
        if is_cheaper || (has_snapshot && position.number == 0) {
            return Verdict::Snapshot;
        }
        Verdict::Replay { from }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Replay, Snapshot, Unknown};
    use super::{Line, Lineage, Position, Standing};

    #[test]
    fn the_answer_follows_from_position_ring_and_snapshot() {
        let lineage = Lineage::of(vec![10, 20]).unwrap();
        let mut line = Line::after(0);
        (0..6).for_each(|_| assert!(line.give(10) > 0));
        (0..4).for_each(|_| assert!(line.give(20) > 6));
        for (epoch, number, oldest, snapshot, wanted) in [
            // In the ring.
            (20, 10, 5, None, Replay { from: 11 }),
            (20, 9, 5, None, Replay { from: 10 }),
            (20, 9, 5, Some(51), Replay { from: 10 }),
            (20, 9, 5, Some(50), Snapshot),
            (10, 6, 5, None, Replay { from: 7 }),
            (20, 6, 5, None, Replay { from: 7 }),
            (10, 4, 5, None, Replay { from: 5 }),
            // Fallen out of it.
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
            let standing = Standing { lineage: &lineage, line: &line, oldest };
            let position = Position { epoch, number };
            let judged = standing.judge(position, 100, snapshot);
            assert_eq!(judged, wanted, "{position}, oldest {oldest}, snapshot {snapshot:?}");
        }
    }

    #[test]
    fn on_a_topic_without_events_who_has_nothing_misses_nothing() {
        let lineage = Lineage::of(vec![10]).unwrap();
        let never = Line::after(0);
        let standing = Standing { lineage: &lineage, line: &never, oldest: 1 };
        assert_eq!(standing.judge(Position::NONE, 0, None), Replay { from: 1 });
        assert_eq!(standing.judge(Position { epoch: 10, number: 0 }, 0, None), Replay { from: 1 });
        // One that may have been retired.
        let perhaps = Line::after(7);
        let standing = Standing { lineage: &lineage, line: &perhaps, oldest: 8 };
        assert_eq!(standing.judge(Position::NONE, 0, None), Unknown);
        assert_eq!(standing.judge(Position { epoch: 10, number: 7 }, 0, None), Replay { from: 8 });
        assert_eq!(standing.judge(Position { epoch: 10, number: 6 }, 0, None), Unknown);
    }
}
