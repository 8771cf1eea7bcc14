use super::epoch_history::EpochHistory;
use crate::Position;

/// The sequence of one topic, through all epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicSequence {
    last: u64,
    /// The epochs in which sequences were given, ascending.
    starts: Vec<Start>,
}

/// Where an epoch began on a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) epoch: u64,
    /// The last sequence before it.
    pub(crate) before: u64,
}

impl TopicSequence {
    /// A topic whose first sequence will be the one after `before`.
    pub(crate) fn after(before: u64) -> Self {
        Self { last: before, starts: Vec::new() }
    }

    /// Restores a topic; `None` if the values contradict each other.
    pub(crate) fn of(last: u64, starts: Vec<Start>) -> Option<Self> {
        let ascends = starts.is_sorted_by(|one, next| one.epoch < next.epoch && one.before < next.before);
        let begun = starts.last().is_none_or(|start| start.before < last);
        (ascends && begun).then_some(Self { last, starts })
    }

    /// The last sequence that was given.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The position of the last event; the epoch is 0 if it is forgotten.
    pub(crate) fn last_position(&self) -> Position {
        Position { epoch: self.starts.last().map_or(0, |start| start.epoch), sequence: self.last }
    }

    pub(crate) fn starts(&self) -> &[Start] {
        &self.starts
    }

    /// Gives the next sequence in this epoch.
    #[inline]
    pub(crate) fn give(&mut self, epoch: u64) -> u64 {
        if self.starts.last().is_none_or(|start| start.epoch != epoch) {
            self.starts.push(Start { epoch, before: self.last });
        }
        self.last += 1;
        self.last
    }

    /// Forgets epochs before `oldest`.
    pub(super) fn forget_before(&mut self, oldest: u64) {
        self.starts.retain(|start| start.epoch >= oldest);
    }

    /// The last sequence before `epoch` began.
    pub(super) fn before(&self, epoch: u64) -> u64 {
        let first = self.starts.iter().find(|start| start.epoch >= epoch);
        first.map_or(self.last, |start| start.before)
    }

    /// The last sequence of `epoch`.
    fn end(&self, epoch: u64) -> u64 {
        let next = self.starts.iter().find(|start| start.epoch > epoch);
        next.map_or(self.last, |start| start.before)
    }

    /// Whether `position` is one that this publisher could have issued: its sequence is neither above the end of its epoch nor
    /// below the beginning.
    pub(crate) fn knows(&self, position: Position, epoch_history: &EpochHistory) -> bool {
        let Position { epoch, sequence: number } = position;
        epoch_history.contains(epoch) && (self.before(epoch)..=self.end(epoch)).contains(&number)
    }

    /// Where the epoch before the current one ended.
    pub(crate) fn previous(&self, epoch_history: &EpochHistory) -> Option<Position> {
        let (previous, current) = (epoch_history.previous()?, epoch_history.current()?);
        Some(Position { epoch: previous, sequence: self.before(current) })
    }
}

#[cfg(test)]
mod tests {
    use super::{EpochHistory, Position, TopicSequence};

    /// Epoch 10 with sequences 1 to 3, epoch 20 with none, epoch 30 with 4 and 5.
    fn sequence() -> (TopicSequence, EpochHistory) {
        let mut sequence = TopicSequence::after(0);
        assert_eq!((0..3).map(|_| sequence.give(10)).last(), Some(3));
        assert_eq!((sequence.give(30), sequence.give(30)), (4, 5));
        (sequence, EpochHistory::of(vec![10, 20, 30]).unwrap())
    }

    #[test]
    fn a_position_is_known_where_its_epoch_had_that_number_last_at_some_time() {
        let (sequence, epoch_history) = sequence();
        for (epoch, known) in [(10, 0..=3), (20, 3..=3), (30, 3..=5)] {
            for number in 0..8 {
                let position = Position { epoch, sequence: number };
                assert_eq!(sequence.knows(position, &epoch_history), known.contains(&number), "{position}");
            }
        }
        for epoch in [0, 9, 11, 31, u64::MAX] {
            assert!(
                !sequence.knows(Position { epoch, sequence: 3 }, &epoch_history),
                "epoch {epoch} is nobody's"
            );
        }
    }

    #[test]
    fn the_end_of_the_epoch_before_is_known_even_if_it_or_this_one_gave_no_sequence() {
        let (sequence, epoch_history) = sequence();
        assert_eq!(sequence.previous(&epoch_history), Some(Position { epoch: 20, sequence: 3 }));
        let silent = EpochHistory::of(vec![10, 20, 30, 40]).unwrap();
        assert_eq!(sequence.previous(&silent), Some(Position { epoch: 30, sequence: 5 }));
        assert_eq!(sequence.previous(&EpochHistory::of(vec![30]).unwrap()), None);
    }

    #[test]
    fn a_contradictory_topic_sequence_is_refused() {
        let (sequence, _) = sequence();
        assert_eq!(TopicSequence::of(5, sequence.starts().to_vec()), Some(sequence.clone()));
        assert_eq!(TopicSequence::of(3, sequence.starts().to_vec()), None);
        let mut backwards = sequence.starts().to_vec();
        backwards.reverse();
        assert_eq!(TopicSequence::of(5, backwards), None);
    }
}
