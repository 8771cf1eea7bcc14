use std::time::Duration;

use super::sync_queue::MAX_PLACES;

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

/// How many answers at a time are worth while: as many as make the whole faster.
///
/// It begins with [`FEWEST`]. As long as each answer is nearly as fast as with fewer of them, they do not share a line, and one
/// more is begun each second. When each becomes slower, the line is full: more at once would only make all of them late.
#[derive(Debug)]
pub(super) struct Growth {
    places: usize,
    /// The best mean rate of one answer lately.
    best: f64,
}

const FEWEST: usize = 4;

/// Of the best mean rate, below which no further answer is begun.
const NEARLY_AS_FAST: f64 = 0.7;

/// What remains of the best mean rate after a second: half of it after two minutes.
const FADING: f64 = 0.995;

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

impl Default for Growth {
    fn default() -> Self {
        Self { places: FEWEST, best: 0.0 }
    }
}

impl Growth {
    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// A second has passed, in which the answers had these rates.
    pub(super) fn judge(&mut self, rates: &[f64], is_wanted: bool) {
        if !is_wanted {
            *self = Self::default();
            return;
        }
        if rates.is_empty() {
            return;
        }
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        if mean >= self.best * NEARLY_AS_FAST {
            self.places = (self.places + 1).min(MAX_PLACES);
        }
        self.best = mean.max(self.best * FADING);
    }
}
