use std::time::{Duration, Instant};

/// The only clock of the bench: pusher and drains read it in this process, so no clocks need to be synchronized.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start; they overflow after 584 years.
    pub(crate) fn now_ns(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Blocks this thread until `ns`: sleeps, and spins for the last part, because the kernel's timers are too imprecise.
    pub(crate) fn wait_until(self, ns: u64) {
        /// Linux wakes a thread up to 50 µs late by default (`PR_SET_TIMERSLACK`), and then has to schedule it.
        const SPIN_NS: u64 = 100_000;
        let left = ns.saturating_sub(self.now_ns());
        if left > SPIN_NS {
            std::thread::sleep(Duration::from_nanos(left - SPIN_NS));
        }
        while self.now_ns() < ns {
            std::hint::spin_loop();
        }
    }
}
