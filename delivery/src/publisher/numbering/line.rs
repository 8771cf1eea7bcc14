use super::lineage::Lineage;
use crate::Position;

/// The numbers of one topic: one line through the epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    last: u64,
    /// In which epochs numbers were given, ascending.
    starts: Vec<Start>,
}

/// Where an epoch found a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) epoch: u64,
    /// The last number before it.
    pub(crate) before: u64,
}

impl Line {
    /// A line whose first number will be the one after `before`.
    pub(crate) fn after(before: u64) -> Self {
        Self { last: before, starts: Vec::new() }
    }

    /// A line as it was; `None` if it cannot have been.
    pub(crate) fn of(last: u64, starts: Vec<Start>) -> Option<Self> {
        let ascends = starts.is_sorted_by(|one, next| one.epoch < next.epoch && one.before < next.before);
        let begun = starts.last().is_none_or(|start| start.before < last);
        (ascends && begun).then_some(Self { last, starts })
    }

    /// The last number that was given.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn starts(&self) -> &[Start] {
        &self.starts
    }

    /// Gives the next number in this epoch.
    #[inline]
    pub(crate) fn give(&mut self, epoch: u64) -> u64 {
        if self.starts.last().is_none_or(|start| start.epoch != epoch) {
            self.starts.push(Start { epoch, before: self.last });
        }
        self.last += 1;
        self.last
    }

    /// Lets go of the starts of epochs before `oldest`.
    pub(super) fn forget_before(&mut self, oldest: u64) {
        self.starts.retain(|start| start.epoch >= oldest);
    }

    /// The last number before `epoch` began.
    pub(super) fn before(&self, epoch: u64) -> u64 {
        let first = self.starts.iter().find(|start| start.epoch >= epoch);
        first.map_or(self.last, |start| start.before)
    }

    /// The last number of `epoch`.
    fn end(&self, epoch: u64) -> u64 {
        let next = self.starts.iter().find(|start| start.epoch > epoch);
        next.map_or(self.last, |start| start.before)
    }

    /// Whether someone can be there: the number had been given when that epoch ended, and was not passed when it began.
    pub(crate) fn knows(&self, position: Position, lineage: &Lineage) -> bool {
        let Position { epoch, number } = position;
        lineage.contains(epoch) && (self.before(epoch)..=self.end(epoch)).contains(&number)
    }

    /// Where the epoch before the current one ended.
    pub(crate) fn previous(&self, lineage: &Lineage) -> Option<Position> {
        let (previous, current) = (lineage.previous()?, lineage.current()?);
        Some(Position { epoch: previous, number: self.before(current) })
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Lineage, Position};

    /// Epoch 10 with numbers 1 to 3, epoch 20 with none, epoch 30 with 4 and 5.
    fn line() -> (Line, Lineage) {
        let mut line = Line::after(0);
        assert_eq!((0..3).map(|_| line.give(10)).last(), Some(3));
        assert_eq!((line.give(30), line.give(30)), (4, 5));
        (line, Lineage::of(vec![10, 20, 30]).unwrap())
    }

    #[test]
    fn a_position_is_known_where_its_epoch_had_that_number_last_at_some_time() {
        let (line, lineage) = line();
        for (epoch, known) in [(10, 0..=3), (20, 3..=3), (30, 3..=5)] {
            for number in 0..8 {
                let position = Position { epoch, number };
                assert_eq!(line.knows(position, &lineage), known.contains(&number), "{position}");
            }
        }
        for epoch in [0, 9, 11, 31, u64::MAX] {
            assert!(!line.knows(Position { epoch, number: 3 }, &lineage), "epoch {epoch} is nobody's");
        }
    }

    #[test]
    fn where_the_epoch_before_ended_is_known_also_if_it_or_this_one_gave_no_number() {
        let (line, lineage) = line();
        assert_eq!(line.previous(&lineage), Some(Position { epoch: 20, number: 3 }));
        let silent = Lineage::of(vec![10, 20, 30, 40]).unwrap();
        assert_eq!(line.previous(&silent), Some(Position { epoch: 30, number: 5 }));
        assert_eq!(line.previous(&Lineage::of(vec![30]).unwrap()), None);
    }

    #[test]
    fn a_line_that_cannot_have_been_is_none() {
        let (line, _) = line();
        assert_eq!(Line::of(5, line.starts().to_vec()), Some(line.clone()));
        assert_eq!(Line::of(3, line.starts().to_vec()), None);
        let mut backwards = line.starts().to_vec();
        backwards.reverse();
        assert_eq!(Line::of(5, backwards), None);
    }
}
