use std::time::Duration;

/// How late events arrive over one link, although the clocks of the two hosts differ. No clock: time comes in as input.
///
/// A stamp has the publisher's wall clock, an arrival our monotonic clock. Their difference is the unknown difference of the
/// clocks plus the time on the way. The lowest recent difference belongs to an event that was hardly on the way at all;
/// anything above it is the delay.
///
/// - Setting a publisher's clock forward lowers the difference at once: the first event to arrive counts as on time.
/// - Setting it back by more than [`STEP`] makes a stamp earlier than the one before, which a queue never does. The known delay
///   stays.
/// - Clocks that drift are followed by [`LEAK`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delay {
    latest: Option<Sample>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    stamp_us: i64,
    at: Duration,
    /// The lowest recent difference.
    base_us: i64,
}

/// How much earlier a stamp may be than the one before: a mark is packed while events wait.
const STEP: Duration = Duration::from_secs(1);

/// The lowest difference rises by 1/200 of the time. NTP slews a clock by 1/2000, and a backlog of minutes is not forgotten for
/// hours.
const LEAK: i64 = 200;

impl Delay {
    /// Notes an arrival with this stamp; returns its delay.
    pub(super) fn arrived(&mut self, stamp_us: u64, at: Duration) -> Duration {
        let stamp_us = i64::try_from(stamp_us).unwrap_or(i64::MAX);
        let difference = micros(at).saturating_sub(stamp_us);
        let base_us = match self.latest {
            None => difference,
            Some(before) => {
                let passed = micros(at.saturating_sub(before.at));
                let back = before.stamp_us.saturating_sub(stamp_us);
                let step = if back > micros(STEP) { back.saturating_add(passed) } else { 0 };
                before.base_us.saturating_add(step).saturating_add(passed / LEAK).min(difference)
            }
        };
        self.latest = Some(Sample { stamp_us, at, base_us });
        Duration::from_micros(u64::try_from(difference.saturating_sub(base_us)).unwrap_or(0))
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Delay;

    const SECOND: Duration = Duration::from_secs(1);

    /// The publisher's clock shows a day of 2026 when ours begins.
    const CLOCK: u64 = 1_780_000_000_000_000;

    fn stamp(seconds: u64) -> u64 {
        CLOCK + seconds * 1_000_000
    }

    /// Sends one event a second from `from` on, each with the same time on the way; returns the delay of the last one.
    fn steady(
        delay: &mut Delay,
        from: u64,
        count: u64,
        way: Duration,
        clock: impl Fn(u64) -> u64,
    ) -> Duration {
        let arrivals = (from..from + count).map(|second| (clock(second), second as u32 * SECOND + way));
        arrivals.map(|(stamp, at)| delay.arrived(stamp, at)).last().unwrap()
    }

    fn is_about(delay: Duration, seconds: f64) -> bool {
        (delay.as_secs_f64() - seconds).abs() < 1.5
    }

    #[test]
    fn a_backlog_is_a_delay_and_clocks_that_differ_are_not() {
        for clock in [0, CLOCK] {
            let mut delay = Delay::default();
            assert_eq!(
                steady(&mut delay, 0, 60, SECOND / 10, |second| clock + second * 1_000_000),
                Duration::ZERO
            );
            // The line carries half of what is published: each second of events takes two.
            for second in 60..130 {
                let at = (60 + 2 * (second - 60)) as u32 * SECOND;
                let late = delay.arrived(clock + second * 1_000_000, at);
                assert!(is_about(late, (second - 60) as f64), "{late:?} at {second}");
            }
            // Then it is idle.
            let late = steady(&mut delay, 210, 10, SECOND / 10, |second| clock + second * 1_000_000);
            assert!(late < SECOND, "{late:?}");
        }
    }

    #[test]
    fn a_backlog_that_stays_is_late_for_hours() {
        let mut delay = Delay::default();
        steady(&mut delay, 0, 10, Duration::ZERO, stamp);
        let late = steady(&mut delay, 10, 3600, 70 * SECOND, stamp);
        assert!(late > 50 * SECOND, "{late:?}");
    }

    #[test]
    fn a_publishers_clock_that_is_set_leaves_nothing_late_for_ever() {
        for hour in [-3600_i64, 3600, -20, 20] {
            let set = |second: u64| stamp(second).saturating_add_signed(hour * 1_000_000);
            let mut delay = Delay::default();
            steady(&mut delay, 0, 60, Duration::ZERO, stamp);
            let late = steady(&mut delay, 60, 10, Duration::ZERO, set);
            assert!(late < 2 * SECOND, "set by {hour} s: {late:?}");
        }
    }

    #[test]
    fn a_backlog_is_still_one_after_the_publishers_clock_was_set_back() {
        let mut delay = Delay::default();
        steady(&mut delay, 0, 60, Duration::ZERO, stamp);
        steady(&mut delay, 60, 5, 30 * SECOND, stamp);
        let late = steady(&mut delay, 65, 5, 30 * SECOND, |second| stamp(second) - 3_600_000_000);
        assert!(is_about(late, 29.0), "{late:?}");
        let late = steady(&mut delay, 100, 5, Duration::ZERO, |second| stamp(second) - 3_600_000_000);
        assert!(late < 2 * SECOND, "{late:?}");
    }

    #[test]
    fn stamps_that_are_not_quite_in_order_hide_no_backlog() {
        let mut delay = Delay::default();
        steady(&mut delay, 0, 60, Duration::ZERO, stamp);
        let jitter = |second: u64| stamp(second) - if second.is_multiple_of(2) { 900_000 } else { 0 };
        let late = steady(&mut delay, 60, 100, 40 * SECOND, jitter);
        assert!(is_about(late, 40.0), "{late:?}");
    }
}
