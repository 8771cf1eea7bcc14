use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// Whether the runtime of the program runs its tasks: one of them notes the time every second.
#[derive(Debug)]
pub(crate) struct Pulse {
    started: Instant,
    /// The time of the last beat, in milliseconds after the start.
    last: AtomicU64,
}

/// The interval between two beats.
const BEAT: Duration = Duration::from_secs(1);

/// A program without a beat for this long is not alive. A host that swaps delays a beat by seconds.
const MAX_SILENCE: Duration = Duration::from_secs(10);

impl Pulse {
    pub(crate) fn new(now: Instant) -> Arc<Self> {
        Arc::new(Self { started: now, last: AtomicU64::new(0) })
    }

    /// Starts the task on the current runtime.
    pub(crate) fn start(self: &Arc<Self>) -> JoinHandle<()> {
        let pulse = Arc::clone(self);
        tokio::spawn(async move {
            let mut beats = interval(BEAT);
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                beats.tick().await;
                pulse.beat(Instant::now());
            }
        })
    }

    fn beat(&self, now: Instant) {
        self.last.store(self.millis(now), Ordering::Relaxed);
    }

    /// How long the runtime has run no task; `None` if that is short enough.
    pub(crate) fn silence(&self, now: Instant) -> Option<Duration> {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        let silence = now.saturating_duration_since(self.started).saturating_sub(last);
        (silence > MAX_SILENCE).then_some(silence)
    }

    /// The time since the start.
    pub(crate) fn uptime(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Pulse;

    #[test]
    fn a_program_without_a_beat_for_ten_seconds_is_not_alive() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let pulse = Pulse::new(start);
        assert_eq!(pulse.silence(start + 10 * second), None);
        assert_eq!(pulse.silence(start + 11 * second), Some(11 * second));
        pulse.beat(start + 8 * second);
        assert_eq!(pulse.silence(start + 18 * second), None);
        assert_eq!(pulse.silence(start + 19 * second), Some(11 * second));
    }
}
