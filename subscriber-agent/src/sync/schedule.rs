use std::time::{Duration, Instant};

/// The schedule of full syncs: when the agent compares its table with the database. It has no clock and no randomness; callers
/// pass both.
///
/// - A sync is due at the start, every `db_sync_time` ± 20 %, and soon after a request.
/// - A loss may affect all agents at once. To spread their syncs, a requested sync waits a random part of a twenty-fourth of
///   `db_sync_time` (5 s of 120 s), and two requested syncs of an agent start at least that time apart.
/// - If rows were absent, a second read confirms that as soon as it can count, spread in the same way.
/// - A request during a sync leads to another sync, because the read may have been before the loss.
/// - A failed sync is retried after 1, 2, 4 … s, at most `db_sync_time`, with jitter.
#[derive(Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    due: Instant,
    reason: String,
    started: Option<Instant>,
    is_running: bool,
    failures: u32,
}

/// The delay before the next check for a connected publisher.
const POSTPONE_DELAY: Duration = Duration::from_millis(100);

/// The reason of a regular sync.
const REGULAR: &str = "db_sync_time";

/// The reason of a sync that confirms absent rows.
const CONFIRM: &str = "rows were absent in the previous read";

impl Schedule {
    /// A schedule for `interval`, the setting `db_sync_time`. The first sync is due within a 120th of it (1 s of 120 s).
    pub(crate) fn new(interval: Duration, now: Instant, random: f64) -> Self {
        Self {
            interval,
            due: now + (interval / 120).mul_f64(random),
            reason: "the agent has started".to_owned(),
            started: None,
            is_running: false,
            failures: 0,
        }
    }

    /// The time over which requested syncs of all agents are spread.
    fn spread(&self) -> Duration {
        self.interval / 24
    }

    /// Requests a sync, because rows may be missing.
    pub(crate) fn request(&mut self, reason: &str, now: Instant, random: f64) {
        if self.reason != REGULAR {
            // A sync is already requested; its read covers this request too.
            return;
        }
        let soon = now + self.spread().mul_f64(random);
        let earliest = self.started.map_or(soon, |started| started + self.spread());
        self.due = self.due.min(soon.max(earliest));
        self.reason = reason.to_owned();
    }

    /// Requests a sync at `at` or soon after, to confirm that rows are absent. It is spread, because many agents may need it at
    /// once.
    pub(crate) fn confirm(&mut self, at: Instant, random: f64) {
        let at = at + self.spread().mul_f64(random);
        if at >= self.due {
            return;
        }
        self.due = at;
        if self.reason == REGULAR {
            CONFIRM.clone_into(&mut self.reason);
        }
    }

    /// When the next sync is due; `None` while one is running.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.is_running).then_some(self.due)
    }

    /// Delays a due sync by 100 ms, because no publisher is connected.
    pub(crate) fn postpone(&mut self, now: Instant) {
        self.due = self.due.max(now + POSTPONE_DELAY);
    }

    /// Whether a sync is due.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    /// Starts a sync if one is due, and returns its reason.
    pub(crate) fn start(&mut self, now: Instant, random: f64) -> Option<String> {
        if !self.is_due(now) {
            return None;
        }
        self.is_running = true;
        self.started = Some(now);
        self.due = now + self.interval.mul_f64(0.8 + 0.4 * random);
        Some(std::mem::replace(&mut self.reason, REGULAR.to_owned()))
    }

    /// Notes that the running sync has succeeded.
    pub(crate) fn done(&mut self) {
        self.is_running = false;
        self.failures = 0;
    }

    /// Notes that the running sync, which was started for `reason`, has failed. Returns whether it is the first failure in a row.
    pub(crate) fn failed(&mut self, reason: String, now: Instant, random: f64) -> bool {
        self.is_running = false;
        let longest = Duration::from_secs(2_u64.saturating_pow(self.failures)).min(self.interval);
        self.due = now + longest.mul_f64(0.5 + 0.5 * random);
        self.reason = reason;
        self.failures = self.failures.saturating_add(1);
        self.failures == 1
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Schedule;

    const INTERVAL: Duration = Duration::from_secs(120);

    fn second(start: Instant, seconds: f64) -> Instant {
        start + Duration::from_secs_f64(seconds)
    }

    /// A schedule whose first sync is done at its start.
    fn started(start: Instant) -> Schedule {
        let mut schedule = Schedule::new(INTERVAL, start, 0.0);
        assert_eq!(schedule.start(start, 0.5).as_deref(), Some("the agent has started"));
        schedule.done();
        schedule
    }

    #[test]
    fn agents_that_start_together_spread_their_first_sync_over_a_second() {
        let start = Instant::now();
        for (random, due) in [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)] {
            assert_eq!(Schedule::new(INTERVAL, start, random).due(), Some(second(start, due)));
        }
    }

    #[test]
    fn regular_syncs_follow_with_twenty_percent_of_jitter() {
        let start = Instant::now();
        for (random, next) in [(0.0, 96.0), (0.5, 120.0), (1.0, 144.0)] {
            let mut schedule = Schedule::new(INTERVAL, start, 0.0);
            schedule.start(start, random);
            assert_eq!(schedule.due(), None, "one at a time");
            schedule.done();
            assert_eq!(schedule.due(), Some(second(start, next)));
            assert_eq!(schedule.start(second(start, next), 0.0).as_deref(), Some("db_sync_time"));
        }
    }

    #[test]
    fn requested_syncs_are_spread_and_start_at_least_the_spread_apart() {
        let start = Instant::now();
        for (wanted_at, random, due) in
            [(50.0, 0.0, 50.0), (50.0, 1.0, 55.0), (1.0, 0.0, 5.0), (119.0, 1.0, 120.0)]
        {
            let mut schedule = started(start);
            schedule.request("a gap", second(start, wanted_at), random);
            assert_eq!(schedule.due(), Some(second(start, due)), "wanted at {wanted_at}");
            schedule.request("another", second(start, wanted_at), 0.0);
            assert_eq!(schedule.due(), Some(second(start, due)), "one is enough");
            assert_eq!(schedule.start(second(start, due), 0.5).as_deref(), Some("a gap"));
        }
    }

    #[test]
    fn absent_rows_are_confirmed_when_that_counts_or_by_the_next_regular_sync() {
        let start = Instant::now();
        for (at, random, due, reason) in [
            (5.0, 0.0, 5.0, "rows were absent in the previous read"),
            (5.0, 1.0, 10.0, "rows were absent in the previous read"),
            (600.0, 0.0, 120.0, "db_sync_time"),
        ] {
            let mut schedule = started(start);
            schedule.confirm(second(start, at), random);
            assert_eq!(schedule.due(), Some(second(start, due)), "to be confirmed at {at}");
            assert_eq!(schedule.start(second(start, due), 0.5).as_deref(), Some(reason));
        }
        let mut schedule = started(start);
        schedule.request("a gap", second(start, 1.0), 1.0);
        schedule.confirm(second(start, 5.0), 0.0);
        assert_eq!(schedule.start(second(start, 5.0), 0.5).as_deref(), Some("a gap"));
    }

    #[test]
    fn a_request_during_a_sync_leads_to_another_sync() {
        let start = Instant::now();
        let mut schedule = started(start);
        let regular = second(start, 120.0);
        assert!(schedule.start(regular, 0.5).is_some());
        schedule.request("a gap", second(start, 121.0), 0.0);
        schedule.done();
        assert_eq!(schedule.due(), Some(second(start, 125.0)));
        assert_eq!(schedule.start(second(start, 125.0), 0.5).as_deref(), Some("a gap"));
    }

    #[test]
    fn a_failed_sync_is_retried_with_increasing_delays_for_the_same_reason() {
        let start = Instant::now();
        let mut schedule = started(start);
        schedule.request("a gap", second(start, 60.0), 0.0);
        let mut now = second(start, 60.0);
        for (failure, wait) in [1, 2, 4, 8, 16, 32, 64, 120, 120].into_iter().enumerate() {
            let reason = schedule.start(now, 0.5).expect("due");
            assert_eq!(reason, "a gap");
            assert_eq!(schedule.failed(reason, now, 1.0), failure == 0);
            now += Duration::from_secs(wait);
            assert_eq!(schedule.due(), Some(now));
        }
        schedule.start(now, 0.5);
        schedule.done();
        assert_eq!(schedule.due(), Some(now + INTERVAL));
    }
}
