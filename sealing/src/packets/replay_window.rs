/// Which of the latest numbers of a sender were seen: the sliding window of RFC 6479.
#[derive(Debug, Clone)]
pub(super) struct ReplayWindow {
    highest: u64,
    /// The bit of a number is its place modulo the size.
    seen: [u64; WORDS],
}

/// Packets overtake each other where several connections lead from one node to another, such as those of a Redis Cluster. One that
/// is later than all these is lost, and the engine repairs that.
const WORDS: usize = 32;

const BITS: u64 = u64::BITS as u64;

impl ReplayWindow {
    /// The first number that was seen. Earlier ones, which may be under way, count as not seen.
    pub(super) fn new(first: u64) -> Self {
        let mut window = Self { highest: first, seen: [0; WORDS] };
        window.mark(first);
        window
    }

    /// Notes a number. Returns `false` if it was seen, or is too old to be remembered.
    pub(super) fn accept(&mut self, number: u64) -> bool {
        let (word, newest) = (number / BITS, self.highest / BITS);
        if number > self.highest {
            for skipped in (newest + 1..=word).take(WORDS) {
                self.word(skipped, |bits| *bits = 0);
            }
            self.highest = number;
        } else if newest - word >= WORDS as u64 {
            return false;
        }
        self.mark(number)
    }

    /// Sets the bit of a number. Returns whether it was not set.
    fn mark(&mut self, number: u64) -> bool {
        let bit = 1 << (number % BITS);
        let mut is_new = false;
        self.word(number / BITS, |bits| {
            is_new = *bits & bit == 0;
            *bits |= bit;
        });
        is_new
    }

    fn word(&mut self, word: u64, change: impl FnOnce(&mut u64)) {
        let place = usize::try_from(word % WORDS as u64).ok();
        if let Some(bits) = place.and_then(|place| self.seen.get_mut(place)) {
            change(bits);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use super::{BITS, ReplayWindow, WORDS};

    const SIZE: u64 = WORDS as u64 * BITS;

    #[test]
    fn a_number_is_accepted_once_and_not_when_it_is_too_old() {
        let mut window = ReplayWindow::new(5_000);
        assert!(!window.accept(5_000));
        assert!(window.accept(4_999) && !window.accept(4_999), "it was under way");
        assert!(window.accept(5_000 + SIZE) && !window.accept(5_000), "out of the window");
        assert!(window.accept(u64::MAX) && !window.accept(u64::MAX) && !window.accept(5_001));
        assert!(window.accept(u64::MAX - SIZE + BITS) && !window.accept(0));
    }

    proptest! {
        #[test]
        fn no_number_is_accepted_twice_and_none_of_the_latest_is_refused(
            start in any::<u32>(),
            steps in prop::collection::vec(-2_500_i64..600, 1..300),
        ) {
            let mut at = u64::from(start) + 1_000_000;
            let (mut window, mut seen, mut highest) = (ReplayWindow::new(at), BTreeSet::from([at]), at);
            for step in steps {
                at = at.saturating_add_signed(step);
                let is_recent = at + (SIZE - BITS) >= highest;
                let is_new = seen.insert(at);
                if is_recent {
                    prop_assert_eq!(window.accept(at), is_new);
                } else if window.accept(at) {
                    prop_assert_eq!(is_new, true);
                } else {
                    // Too old.
                }
                highest = highest.max(at);
            }
        }
    }
}
