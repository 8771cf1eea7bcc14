use std::time::Duration;

/// The rate at which the peer of one reply reads it. Time comes in as input.
#[derive(Debug)]
pub(super) struct ReplyRate {
    judged: Duration,
    taken: u64,
    /// Bytes per second since the judgement before.
    latest: u64,
    /// The number of consecutive judgements at which it was too slow.
    slow: u32,
}

/// The bytes that buffers absorb at once: the beginning of a reply shows nothing about its line.
const BUFFERED: u64 = 1024 * 1024;

impl ReplyRate {
    /// A slower reply, in bytes per second, yields its place to a waiting request: at this rate a snapshot of 8 MiB takes two
    /// minutes.
    pub(super) const MIN_RATE: u64 = 64 * 1024;

    /// The number of consecutive judgements that make a reply slow.
    const PATIENCE: u32 = 3;

    pub(super) fn new(now: Duration) -> Self {
        Self { judged: now, taken: 0, latest: 0, slow: 0 }
    }

    /// Judges the reply by the number of bytes sent in total; returns its rate, once buffers are full.
    pub(super) fn judge(&mut self, now: Duration, taken: u64) -> Option<f64> {
        let (time, bytes) = (now.saturating_sub(self.judged), taken.saturating_sub(self.taken));
        if time.is_zero() {
            return None;
        }
        let was_buffered = self.taken >= BUFFERED;
        let rate = bytes as f64 / time.as_secs_f64();
        (self.judged, self.taken, self.latest) = (now, taken, rate as u64);
        self.slow = if self.latest < Self::MIN_RATE { self.slow + 1 } else { 0 };
        was_buffered.then_some(rate)
    }

    pub(super) fn is_slow(&self) -> bool {
        self.slow >= Self::PATIENCE
    }

    pub(super) fn latest(&self) -> u64 {
        self.latest
    }
}
