use std::time::Duration;

/// How fast the peer of one answer takes it. Time comes in as input.
#[derive(Debug)]
pub(super) struct AnswerRate {
    judged: Duration,
    taken: u64,
    /// Bytes a second since it was judged before.
    latest: u64,
    /// Judgements in a row at which it was slower than it may be.
    slow: u32,
}

/// What buffers take at once, in bytes: the beginning of an answer tells nothing about its line.
const BUFFERED: u64 = 1024 * 1024;

impl AnswerRate {
    /// An answer that is slower, in bytes a second, leaves its place to one that waits: at this rate a
    /// snapshot of 8 MiB lasts two minutes.
    pub(super) const MIN_RATE: u64 = 64 * 1024;

    /// So many judgements in a row make an answer slow.
    const PATIENCE: u32 = 3;

    pub(super) fn new(now: Duration) -> Self {
        Self { judged: now, taken: 0, latest: 0, slow: 0 }
    }

    /// Judges it by how many bytes were taken in all; its rate, once buffers are full.
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
