use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Measures how long nothing came, in thirds of `dead_after`: a clock is read per tick, not per event. Time in which
/// the application did not let us read does not count, because then the ticks are not looked at.
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

    /// Returns when nothing came for `dead_after`. Cancel-safe: ticks that were seen stay counted.
    pub(super) async fn lasts(&mut self) {
        while self.quiet_ticks <= Self::TICKS {
            self.ticks.tick().await;
            self.quiet_ticks += 1;
        }
    }
}
