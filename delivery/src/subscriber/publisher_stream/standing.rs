use std::time::Duration;

use super::PublisherStream;

/// The state of the whole stream.
impl PublisherStream {
    /// The state of the whole stream, in one word.
    pub(in crate::subscriber) fn state(&self) -> &'static str {
        match (self.is_proved && !self.is_late, self.reported_live, self.behind.is_empty()) {
            (false, ..) => "stale",
            _ if self.overfull.is_some() => "overfull",
            (true, _, false) => "recovering",
            (true, true, true) => "live",
            (true, false, true) => "proving",
        }
    }

    /// The number of topics with a reported resync and no snapshot since.
    pub(in crate::subscriber) fn incomplete(&self) -> usize {
        self.incomplete
    }

    /// Whether all its topics are followed and live, no retired topic is unnoticed, and events arrive on time.
    pub(in crate::subscriber) fn is_current(&self) -> bool {
        let is_live = self.unproved == 0 && self.knows_retirements();
        self.is_proved && !self.is_late && is_live && self.overfull.is_none()
    }

    /// Notes an arrival with this stamp. Returns its delay if it is the first one above `most`. The stream stays late until the
    /// delay is half of that, so one at the bound does not alternate.
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

    /// Whether a notice about the whole stream is due: that it is current, or that it has too many topics.
    #[inline]
    pub(in crate::subscriber) fn is_news(&self) -> bool {
        match &self.overfull {
            Some(overfull) => !overfull.is_reported && self.is_proved,
            None => !self.reported_live && self.is_current(),
        }
    }
}
