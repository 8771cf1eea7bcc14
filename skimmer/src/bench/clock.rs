use std::time::{Duration, Instant};

/// The clock of a bench. Both ends are in this process and use the same clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start; they overflow after 584 years.
    pub(super) fn now_ns(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Blocks this thread until `ns`. It sleeps, then spins for the last part, because kernel timers are not exact enough.
    pub(super) fn wait_until(self, ns: u64) {
        /// By default Linux wakes a thread up to 50 µs late (`PR_SET_TIMERSLACK`), plus the time to schedule it.
        const SPIN_NS: u64 = 150_000;
        let left = ns.saturating_sub(self.now_ns());
        if left > SPIN_NS {
            std::thread::sleep(Duration::from_nanos(left - SPIN_NS));
        }
        while self.now_ns() < ns {
            std::hint::spin_loop();
        }
    }
}
