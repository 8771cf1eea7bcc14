use std::collections::HashMap;
use std::time::Duration;

use pubsub_api::{Event, Stamp};

use delivery::subscriber::PublisherClock;

/// The differences between the clocks of publishers and the table's own clock.
///
/// Each host has its own clock, and two of them may be hours apart. So the time of a stamp is never compared with a
/// time of another host: the clock of its own publisher, with which every reply begins, converts it into an age, and
/// the age is converted into a time of the table's clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clocks {
    /// The table's clock minus the publisher's, in microseconds, by publisher.
    differences: HashMap<u64, i128>,
}

/// The maximum number of publishers whose clocks are remembered; one more clears them all. A clock is needed only
/// during a reply, and each reply begins with it.
const MOST: usize = 65_536;

impl Clocks {
    /// Notes that a publisher's clock shows `clock.time_us` when the table's clock shows `now`.
    pub(crate) fn note(&mut self, clock: PublisherClock, now: Duration) {
        if self.differences.len() >= MOST && !self.differences.contains_key(&clock.publisher) {
            self.differences.clear();
        }
        self.differences.insert(clock.publisher, micros(now) - i128::from(clock.time_us));
    }

    /// Returns when an event was published, by the table's clock; at most `now`. It is `now` if the publisher's clock
    /// was never read. An event without a stamp is older than all others.
    pub(crate) fn published(&self, event: &Event, now: Duration) -> Duration {
        let Some(Stamp { publisher, time_us, .. }) = event.stamp else { return Duration::ZERO };
        let Some(difference) = self.differences.get(&publisher) else { return now };
        let ours = (i128::from(time_us) + difference).max(0);
        Duration::from_micros(u64::try_from(ours).unwrap_or(u64::MAX)).min(now)
    }
}

fn micros(time: Duration) -> i128 {
    i128::try_from(time.as_micros()).unwrap_or(i128::MAX)
}
