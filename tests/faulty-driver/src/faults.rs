use std::ops::RangeInclusive;
use std::time::Duration;

use fastrand::Rng;

/// What happens to the events, requests and replies of one direction between two nodes. Probabilities are from 0 to 1, and
/// apply to each of them independently.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// The probability that it is lost, without notice.
    pub loss: f64,
    /// The probability that it arrives twice.
    pub duplication: f64,
    /// The probability that it is late, so that later ones overtake it.
    pub reordering: f64,
    /// How late it is then, at most; a late one has a delay between 0 and this, in addition to `delay`.
    pub late_by: Duration,
    /// The delay of each, evenly drawn. It keeps the order: one that is drawn a shorter delay waits for those before it.
    pub delay: RangeInclusive<Duration>,
}

/// The fate of one copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) delay: Duration,
    /// Whether later ones may overtake it.
    pub(crate) is_late: bool,
}

impl Faults {
    /// No faults.
    pub const NONE: Self = Self {
        loss: 0.0,
        duplication: 0.0,
        reordering: 0.0,
        late_by: Duration::ZERO,
        delay: Duration::ZERO..=Duration::ZERO,
    };

    /// Draws the fates of the copies of one event: none if it is lost.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Vec<Fate> {
        // Always the same number of draws, so that one probability does not change what another draws.
        let (is_lost, is_double) = (rng.f64() < self.loss, rng.f64() < self.duplication);
        let fates = [self.draw_one(rng), self.draw_one(rng)];
        let copies = match (is_lost, is_double) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        fates.into_iter().take(copies).collect()
    }

    fn draw_one(&self, rng: &mut Rng) -> Fate {
        let (start, end) = (*self.delay.start(), *self.delay.end());
        let delay = start + end.saturating_sub(start).mul_f64(rng.f64());
        let (is_late, lateness) = (rng.f64() < self.reordering, self.late_by.mul_f64(rng.f64()));
        if is_late { Fate { delay: delay + lateness, is_late } } else { Fate { delay, is_late } }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::NONE
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fastrand::Rng;

    use super::{Fate, Faults};

    #[test]
    fn without_faults_each_event_has_one_copy_at_once() {
        let mut rng = Rng::with_seed(1);
        for _ in 0..1_000 {
            assert_eq!(Faults::NONE.draw(&mut rng), [Fate { delay: Duration::ZERO, is_late: false }]);
        }
    }

    #[test]
    fn the_copies_occur_as_often_as_their_probabilities_demand() {
        let faults = Faults { loss: 0.2, duplication: 0.5, reordering: 0.1, ..Faults::NONE };
        let mut rng = Rng::with_seed(1);
        let draws: Vec<Vec<Fate>> = (0..10_000).map(|_| faults.draw(&mut rng)).collect();
        let share = |test: fn(&Vec<Fate>) -> bool| draws.iter().filter(|draw| test(draw)).count();
        // Five standard deviations of 10,000 draws are at most 250.
        for (share, expected) in [
            (share(Vec::is_empty), 2_000),
            (share(|draw| draw.len() == 1), 4_000),
            (share(|draw| draw.len() == 2), 4_000),
        ] {
            assert!(share.abs_diff(expected) < 250, "{share} instead of {expected}");
        }
        let late = draws.iter().flatten().filter(|fate| fate.is_late).count();
        assert!(late.abs_diff(1_200) < 250, "{late}");
    }

    #[test]
    fn a_delay_is_within_its_range() {
        let delay = Duration::from_millis(5)..=Duration::from_millis(9);
        let faults = Faults { delay: delay.clone(), ..Faults::NONE };
        let mut rng = Rng::with_seed(1);
        let delays: Vec<_> = (0..1_000).map(|_| faults.draw(&mut rng)[0].delay).collect();
        assert!(delays.iter().all(|drawn| delay.contains(drawn)));
        assert!(delays.iter().max() > delays.iter().min());
    }
}
