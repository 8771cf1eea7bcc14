use std::time::{Duration, Instant};

/// The clock of a measurement. All parts are in one process, so no clocks need to be synchronized.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that shows 0 now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start; they overflow after 584 years.
    ///
    /// ```
    /// use bench_kit::Clock;
    ///
    /// let clock = Clock::start();
    /// let (first, second) = (clock.now_ns(), clock.now_ns());
    /// assert!(first <= second, "it never goes back");
    /// ```
    #[must_use]
    pub fn now_ns(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Blocks this thread until `ns`. It sleeps, then spins for the last `spin`, because kernel timers are not exact enough:
    /// by default Linux wakes a thread up to 50 µs late (`PR_SET_TIMERSLACK`), and then has to schedule it.
    pub fn wait_until(self, ns: u64, spin: Duration) {
        let left = Duration::from_nanos(ns.saturating_sub(self.now_ns()));
        if left > spin {
            #[expect(
                clippy::disallowed_methods,
                reason = "the load generator waits until the next event is due"
            )]
            std::thread::sleep(left - spin);
        }
        while self.now_ns() < ns {
            std::hint::spin_loop();
        }
    }
}
