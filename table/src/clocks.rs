use std::collections::HashMap;
use std::time::Duration;

use pubsub_api::{Event, Stamp};

use delivery::subscriber::PublisherClock;

/// How the clocks of publishers differ from the table's own clock.
///
/// Each host has a clock of its own, and two of them may be hours apart. A time of a stamp is therefore never compared with a
/// time of another host: it is turned into an age by the clock of its own publisher, which every answer begins with, and
/// then into a time of the table's clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clocks {
    /// Ours minus theirs, in microseconds, by publisher.
    differences: HashMap<u64, i128>,
}

/// The number of publishers whose clocks are remembered; the next one makes room for itself and those after it. A clock is
/// needed while an answer comes, and each answer begins with it.
const MOST: usize = 65_536;

impl Clocks {
    /// A publisher's clock shows `clock.time_us` when ours shows `now`.
    pub(crate) fn note(&mut self, clock: PublisherClock, now: Duration) {
        if self.differences.len() >= MOST && !self.differences.contains_key(&clock.publisher) {
            self.differences.clear();
        }
        self.differences.insert(clock.publisher, micros(now) - i128::from(clock.time_us));
    }

    /// When an event was published, by our clock; not after `now`. That of a publisher whose clock was never read is now, and
    /// an event without a stamp is older than all others.
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
