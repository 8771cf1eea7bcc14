/// The epochs of a publisher since its ring was begun, from the oldest that is remembered to the current one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct EpochHistory {
    /// Ascending.
    epochs: Vec<u64>,
}

/// The number of epochs that are remembered: that number of restarts within one ring is not ordinary operation, and a forgotten epoch
/// costs a resync.
const MAX_EPOCHS: usize = 64;

impl EpochHistory {
    /// A history of these epochs; `None` if they do not ascend.
    pub(crate) fn of(epochs: Vec<u64>) -> Option<Self> {
        (epochs.is_sorted_by(|one, next| one < next) && epochs.len() <= MAX_EPOCHS).then_some(Self { epochs })
    }

    /// Begins an epoch, at `now_us` on the wall clock, or one above the last epoch if that is later.
    pub(super) fn begin(&mut self, now_us: u64) -> u64 {
        let epoch = self.current().map_or(now_us, |last| now_us.max(last.saturating_add(1)));
        if self.epochs.len() == MAX_EPOCHS {
            self.epochs.remove(0);
        }
        self.epochs.push(epoch);
        epoch
    }

    pub(crate) fn current(&self) -> Option<u64> {
        self.epochs.last().copied()
    }

    /// The epoch before the current one.
    pub(super) fn previous(&self) -> Option<u64> {
        self.epochs.iter().rev().nth(1).copied()
    }

    pub(crate) fn oldest(&self) -> Option<u64> {
        self.epochs.first().copied()
    }

    pub(crate) fn contains(&self, epoch: u64) -> bool {
        self.epochs.binary_search(&epoch).is_ok()
    }

    pub(crate) fn epochs(&self) -> &[u64] {
        &self.epochs
    }
}

#[cfg(test)]
mod tests {
    use super::{EpochHistory, MAX_EPOCHS};

    #[test]
    fn epochs_ascend_whatever_the_clock_shows_and_the_oldest_are_forgotten() {
        let mut epoch_history = EpochHistory::default();
        assert_eq!(epoch_history.begin(1000), 1000);
        assert_eq!(epoch_history.begin(900), 1001, "the clock went back");
        assert_eq!(epoch_history.begin(2000), 2000);
        assert_eq!((epoch_history.previous(), epoch_history.current()), (Some(1001), Some(2000)));
        for _ in 0..MAX_EPOCHS {
            epoch_history.begin(0);
        }
        assert_eq!(epoch_history.epochs().len(), MAX_EPOCHS);
        assert_eq!(epoch_history.oldest(), Some(2001));
        assert!(!epoch_history.contains(2000) && epoch_history.contains(2001));
        assert_eq!(EpochHistory::of(epoch_history.epochs().to_vec()), Some(epoch_history));
        assert_eq!(EpochHistory::of(vec![2, 2]), None);
    }
}
