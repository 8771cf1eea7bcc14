use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bench_kit::failure;
use pubsub_api::{Error, Result};

/// Time without progress after which a run has failed.
pub(crate) const STALL_TIMEOUT: Duration = Duration::from_secs(15);

/// Shared state of pusher, drains and measurement; each value below is written by one of them.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// By the drains: every subscriber has received its events below this number.
    slowest: AtomicU64,
    /// By the drains: events received, of all subscribers together.
    delivered: AtomicU64,
    /// By the drains: the last round of probes that all subscribers have received completely.
    probed: AtomicU64,
    /// By the pusher: the number of events written.
    pushed: AtomicU64,
    /// By the pusher: it continues when `slowest` reaches this; 0 if it does not wait.
    wake_at: AtomicU64,
    pusher: OnceLock<Thread>,
    /// By the drains: all subscribers have sent their subscriptions.
    subscribed: AtomicBool,
    stopping: AtomicBool,
    stalling: AtomicBool,
    stalled: AtomicBool,
    failed: AtomicBool,
    failure: Mutex<Option<Error>>,
}

impl Flow {
    /// Reports the progress of the drains.
    pub(crate) fn progress(&self, slowest: u64, delivered: u64, probed: u64) {
        self.delivered.store(delivered, Ordering::Relaxed);
        self.probed.store(probed, Ordering::Release);
        self.slowest.store(slowest, Ordering::SeqCst);
        let wake_at = self.wake_at.load(Ordering::SeqCst);
        if wake_at != 0 && slowest >= wake_at {
            self.wake_pusher();
        }
    }

    /// Makes the pusher wait until `slowest` has reached `target`.
    pub(crate) fn wait_for_slowest(&self, target: u64) -> Result<()> {
        self.pusher.get_or_init(thread::current);
        let (mut deadline, mut last) = (Instant::now() + STALL_TIMEOUT, self.slowest());
        self.wake_at.store(target, Ordering::SeqCst);
        while self.slowest.load(Ordering::SeqCst) < target {
            self.check()?;
            thread::park_timeout(Duration::from_millis(50));
            if self.slowest() != last {
                (deadline, last) = (Instant::now() + STALL_TIMEOUT, self.slowest());
            }
            if Instant::now() > deadline {
                let text = format!(
                    "the slowest subscriber received no event for {STALL_TIMEOUT:?}: it has {last}, {} were pushed",
                    self.pushed()
                );
                return Err(failure(text));
            }
        }
        self.wake_at.store(0, Ordering::SeqCst);
        Ok(())
    }

    fn wake_pusher(&self) {
        if let Some(pusher) = self.pusher.get() {
            pusher.unpark();
        }
    }

    pub(crate) fn slowest(&self) -> u64 {
        self.slowest.load(Ordering::Acquire)
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    pub(crate) fn probed(&self) -> u64 {
        self.probed.load(Ordering::Acquire)
    }

    pub(crate) fn pushed(&self) -> u64 {
        self.pushed.load(Ordering::Relaxed)
    }

    pub(crate) fn set_pushed(&self, events: u64) {
        self.pushed.store(events, Ordering::Relaxed);
    }

    pub(crate) fn is_subscribed(&self) -> bool {
        self.subscribed.load(Ordering::Acquire)
    }

    pub(crate) fn set_subscribed(&self) {
        self.subscribed.store(true, Ordering::Release);
    }

    /// Makes the drains stop.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Makes some subscribers stop reading; returns when they have stopped.
    pub(crate) fn stall(&self) -> Result<()> {
        self.stalling.store(true, Ordering::Release);
        self.wait("the drains did not stop reading", || self.stalled.load(Ordering::Acquire))
    }

    pub(crate) fn is_stalling(&self) -> bool {
        self.stalling.load(Ordering::Acquire)
    }

    pub(crate) fn set_stalled(&self) {
        self.stalled.store(true, Ordering::Release);
    }

    /// Waits for a condition that depends on the drains.
    pub(crate) fn wait(&self, otherwise: &str, condition: impl Fn() -> bool) -> Result<()> {
        let deadline = Instant::now() + STALL_TIMEOUT;
        while !condition() {
            self.check()?;
            if Instant::now() > deadline {
                return Err(failure(format!("{otherwise} within {STALL_TIMEOUT:?}")));
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "a condition over atomics of other threads is polled, with a deadline"
            )]
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Sleeps for `period`, unless something fails.
    pub(crate) fn sleep(&self, period: Duration) -> Result<()> {
        const STEP: Duration = Duration::from_millis(20);
        let end = Instant::now() + period;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            #[expect(clippy::disallowed_methods, reason = "the time that a measurement lasts")]
            thread::sleep(left.min(STEP));
        }
    }

    /// Ends the run; the first reason is kept.
    pub(crate) fn fail(&self, error: Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        self.failed.store(true, Ordering::Release);
        self.wake_pusher();
    }

    /// The reason, if the run has failed; only the first call returns it, later ones return a short text.
    pub(crate) fn check(&self) -> Result<()> {
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut reason = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        Err(reason.take().unwrap_or_else(|| failure(FAILED_ELSEWHERE)))
    }
}

/// The text of an error whose reason another thread reports.
pub(crate) const FAILED_ELSEWHERE: &str = "the run has failed";
