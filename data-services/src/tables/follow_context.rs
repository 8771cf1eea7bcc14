use std::time::Duration;

use super::follow_effect::FollowEffect;
use super::options::TableOptions;

/// What a followed table is given with each call.
pub(super) struct FollowContext<'a> {
    pub(super) now: Duration,
    pub(super) options: &'a TableOptions,
    pub(super) rng: &'a mut fastrand::Rng,
    pub(super) effects: &'a mut Vec<FollowEffect>,
}

impl FollowContext<'_> {
    /// Half of a duration to all of it.
    pub(super) fn jitter(&mut self, duration: Duration) -> Duration {
        duration.mul_f64(0.5 + self.rng.f64() / 2.0)
    }
}
