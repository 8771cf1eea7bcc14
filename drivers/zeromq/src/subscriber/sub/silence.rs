use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Measures the time without messages, in thirds of `dead_after`, so that the clock is read per tick and not per event. Time in
/// which a full queue blocks the link does not count, because the ticks are not read then.
pub(super) struct Silence {
    ticks: Interval,
    quiet_ticks: u32,
}

impl Silence {
    const TICKS: u32 = 3;

    pub(super) fn new(dead_after: Duration) -> Self {
        let mut ticks = interval(dead_after / Self::TICKS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, quiet_ticks: 0 }
    }

    pub(super) fn broken(&mut self) {
        self.quiet_ticks = 0;
    }

    /// Returns when nothing was received for `dead_after`. Cancel-safe: counted ticks stay counted.
    pub(super) async fn lasts(&mut self) {
        while self.quiet_ticks <= Self::TICKS {
            self.ticks.tick().await;
            self.quiet_ticks += 1;
        }
    }
}
