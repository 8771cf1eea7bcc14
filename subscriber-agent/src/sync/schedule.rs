use std::time::{Duration, Instant};

/// When the agent compares its table with the database. No clock, no randomness: both come in.
///
/// - At the start, every `db_sync_time` ± 20 %, and soon after it is wanted.
/// - What makes one agent want it may make all of them want it: each waits a random part of a twenty-fourth of `db_sync_time`
///   (5 s of 120 s), and one agent begins no two within that time, but for the regular ones.
/// - A reading that did not find all rows is confirmed by another, as soon as that counts, and spread in the same way.
/// - What is wanted while the database is read is done once more after it: the read may have been before the loss.
/// - A comparison that failed is tried again after 1, 2, 4 … s, at most `db_sync_time`, with full jitter.
#[derive(Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    due: Instant,
    reason: String,
    began: Option<Instant>,
    is_running: bool,
    failures: u32,
}

/// How often it is looked whether there is somebody to ask.
const MOMENT: Duration = Duration::from_millis(100);

/// The regular reason.
const REGULAR: &str = "db_sync_time";

/// The reason of a reading that is to confirm the one before.
const CONFIRM: &str = "rows were absent in the reading before";

impl Schedule {
    /// For `db_sync_time`; the first one is due within a hundred-and-twentieth of it (1 s of 120 s).
    pub(crate) fn new(interval: Duration, now: Instant, random: f64) -> Self {
        Self {
            interval,
            due: now + (interval / 120).mul_f64(random),
            reason: "the agent has started".to_owned(),
            began: None,
            is_running: false,
            failures: 0,
        }
    }

    /// Within which time agents spread what all of them want at once.
    fn spread(&self) -> Duration {
        self.interval / 24
    }

    /// Something may be missing.
    pub(crate) fn want(&mut self, reason: &str, now: Instant, random: f64) {
        if self.reason != REGULAR {
            // It is wanted already: what will be read then tells of this, too.
            return;
        }
        let soon = now + self.spread().mul_f64(random);
        let earliest = self.began.map_or(soon, |began| began + self.spread());
        self.due = self.due.min(soon.max(earliest));
        self.reason = reason.to_owned();
    }

    /// A reading did not find all rows: another one is to confirm that, at `at` or soon after. Many agents may want that at
    /// once, so it is spread, too.
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

    /// When to ask whether to [begin](Self::begin), unless one is under way.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.is_running).then_some(self.due)
    }

    /// There is nobody to ask now: what is due waits a moment more.
    pub(crate) fn postpone(&mut self, now: Instant) {
        self.due = self.due.max(now + MOMENT);
    }

    /// Whether it is time to begin.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    /// Why to begin now, if it is time.
    pub(crate) fn begin(&mut self, now: Instant, random: f64) -> Option<String> {
        if !self.is_due(now) {
            return None;
        }
        self.is_running = true;
        self.began = Some(now);
        self.due = now + self.interval.mul_f64(0.8 + 0.4 * random);
        Some(std::mem::replace(&mut self.reason, REGULAR.to_owned()))
    }

    /// The one that began is done.
    pub(crate) fn done(&mut self) {
        self.is_running = false;
        self.failures = 0;
    }

    /// The one that began for `reason` has failed; whether it is the first in a row.
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

    /// One whose first comparison is done at its start.
    fn started(start: Instant) -> Schedule {
        let mut schedule = Schedule::new(INTERVAL, start, 0.0);
        assert_eq!(schedule.begin(start, 0.5).as_deref(), Some("the agent has started"));
        schedule.done();
        schedule
    }

    #[test]
    fn agents_that_start_together_begin_within_a_second() {
        let start = Instant::now();
        for (random, due) in [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)] {
            assert_eq!(Schedule::new(INTERVAL, start, random).due(), Some(second(start, due)));
        }
    }

    #[test]
    fn it_goes_on_regularly_with_a_fifth_of_jitter() {
        let start = Instant::now();
        for (random, next) in [(0.0, 96.0), (0.5, 120.0), (1.0, 144.0)] {
            let mut schedule = Schedule::new(INTERVAL, start, 0.0);
            schedule.begin(start, random);
            assert_eq!(schedule.due(), None, "one at a time");
            schedule.done();
            assert_eq!(schedule.due(), Some(second(start, next)));
            assert_eq!(schedule.begin(second(start, next), 0.0).as_deref(), Some("db_sync_time"));
        }
    }

    #[test]
    fn what_is_wanted_is_spread_and_never_sooner_than_the_spread_after_the_last() {
        let start = Instant::now();
        for (wanted_at, random, due) in
            [(50.0, 0.0, 50.0), (50.0, 1.0, 55.0), (1.0, 0.0, 5.0), (119.0, 1.0, 120.0)]
        {
            let mut schedule = started(start);
            schedule.want("a gap", second(start, wanted_at), random);
            assert_eq!(schedule.due(), Some(second(start, due)), "wanted at {wanted_at}");
            schedule.want("another", second(start, wanted_at), 0.0);
            assert_eq!(schedule.due(), Some(second(start, due)), "one is enough");
            assert_eq!(schedule.begin(second(start, due), 0.5).as_deref(), Some("a gap"));
        }
    }

    #[test]
    fn absent_rows_are_looked_for_again_when_it_counts_and_not_later_than_regularly() {
        let start = Instant::now();
        for (at, random, due, reason) in [
            (5.0, 0.0, 5.0, "rows were absent in the reading before"),
            (5.0, 1.0, 10.0, "rows were absent in the reading before"),
            (600.0, 0.0, 120.0, "db_sync_time"),
        ] {
            let mut schedule = started(start);
            schedule.confirm(second(start, at), random);
            assert_eq!(schedule.due(), Some(second(start, due)), "to be confirmed at {at}");
            assert_eq!(schedule.begin(second(start, due), 0.5).as_deref(), Some(reason));
        }
        let mut schedule = started(start);
        schedule.want("a gap", second(start, 1.0), 1.0);
        schedule.confirm(second(start, 5.0), 0.0);
        assert_eq!(schedule.begin(second(start, 5.0), 0.5).as_deref(), Some("a gap"));
    }

    #[test]
    fn what_is_wanted_meanwhile_is_done_once_more() {
        let start = Instant::now();
        let mut schedule = started(start);
        let regular = second(start, 120.0);
        assert!(schedule.begin(regular, 0.5).is_some());
        schedule.want("a gap", second(start, 121.0), 0.0);
        schedule.done();
        assert_eq!(schedule.due(), Some(second(start, 125.0)));
        assert_eq!(schedule.begin(second(start, 125.0), 0.5).as_deref(), Some("a gap"));
    }

    #[test]
    fn a_failure_is_tried_again_later_and_later_for_the_same_reason() {
        let start = Instant::now();
        let mut schedule = started(start);
        schedule.want("a gap", second(start, 60.0), 0.0);
        let mut now = second(start, 60.0);
        for (failure, wait) in [1, 2, 4, 8, 16, 32, 64, 120, 120].into_iter().enumerate() {
            let reason = schedule.begin(now, 0.5).expect("due");
            assert_eq!(reason, "a gap");
            assert_eq!(schedule.failed(reason, now, 1.0), failure == 0);
            now += Duration::from_secs(wait);
            assert_eq!(schedule.due(), Some(now));
        }
        schedule.begin(now, 0.5);
        schedule.done();
        assert_eq!(schedule.due(), Some(now + INTERVAL));
    }
}
