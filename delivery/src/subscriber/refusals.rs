use std::collections::HashMap;
use std::time::Duration;

/// The events that could not be opened, by publisher: when they are reported. No clock: time comes in as input.
///
/// The publisher of such an event is what its stamp claims, so there may be any number of them: only some are reported.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    by_publisher: HashMap<u64, Reported>,
}

#[derive(Debug, Clone, Copy)]
struct Reported {
    at: Duration,
    /// The number of events since then.
    events: u64,
}

/// The interval between two reports about one publisher.
const REPORT: Duration = Duration::from_secs(60);

/// The most publishers that are reported in that time.
const MAX_PUBLISHERS: usize = 64;

impl Refusals {
    /// Counts an event. Returns the number of events to report now, if a report is due.
    pub(super) fn count(&mut self, publisher: u64, now: Duration) -> Option<u64> {
        if let Some(reported) = self.by_publisher.get_mut(&publisher) {
            reported.events += 1;
            if now.saturating_sub(reported.at) < REPORT {
                return None;
            }
            reported.at = now;
            return Some(std::mem::take(&mut reported.events));
        }
        if self.by_publisher.len() >= MAX_PUBLISHERS {
            self.by_publisher.retain(|_, reported| now.saturating_sub(reported.at) < REPORT);
        }
        if self.by_publisher.len() >= MAX_PUBLISHERS {
            return None;
        }
        self.by_publisher.insert(publisher, Reported { at: now, events: 0 });
        Some(1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MAX_PUBLISHERS, Refusals};

    #[test]
    fn a_publisher_is_reported_once_a_minute_and_of_many_only_some() {
        let mut refusals = Refusals::default();
        let second = Duration::from_secs;
        assert_eq!(refusals.count(7, second(1)), Some(1));
        assert_eq!([1, 30, 60].map(|at| refusals.count(7, second(at))), [None; 3]);
        assert_eq!(refusals.count(7, second(61)), Some(4));
        let reported = (100..1000).filter(|id| refusals.count(*id, second(62)).is_some()).count();
        assert_eq!(reported, MAX_PUBLISHERS - 1);
        assert_eq!(refusals.count(5000, second(121)), Some(1), "the one reported earliest makes room");
        assert_eq!(refusals.count(5001, second(121)), None);
        assert_eq!(refusals.count(5001, second(122)), Some(1));
    }
}
