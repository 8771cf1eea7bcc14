use std::time::Duration;

use super::PublisherStream;

/// How it stands with the whole.
impl PublisherStream {
    /// How it stands with the whole, in a word.
    pub(in crate::subscriber) fn state(&self) -> &'static str {
        match (self.is_proved && !self.is_late, self.told_live, self.behind.is_empty()) {
            (false, ..) => "stale",
            _ if self.overfull.is_some() => "overfull",
            (true, _, false) => "recovering",
            (true, true, true) => "live",
            (true, false, true) => "proving",
        }
    }

    /// Whether all its topics are followed and live, and what arrives is in time.
    pub(in crate::subscriber) fn is_current(&self) -> bool {
        self.is_proved && !self.is_late && self.unproved == 0 && self.overfull.is_none()
    }

    /// Something came in the stream that was stamped at this time: how late it is, if it is the first to be later than `most`.
    /// The line is late until something is half as late: a stream at the very bound does not alternate.
    pub(in crate::subscriber) fn stamped_at(
        &mut self,
        time_us: u64,
        most: Duration,
        now: Duration,
    ) -> Option<Duration> {
        let late = self.delay.arrived(time_us, now);
        let was_late = self.is_late;
        self.is_late = late > most || (was_late && late > most / 2);
        (self.is_late && !was_late).then_some(late)
    }

    /// Whether something is to be told of the whole: that it is current, or that it has too many topics.
    #[inline]
    pub(in crate::subscriber) fn is_news(&self) -> bool {
        match &self.overfull {
            Some(overfull) => !overfull.is_told && self.is_proved,
            None => !self.told_live && self.is_current(),
        }
    }
}
