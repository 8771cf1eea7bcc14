use std::time::{Duration, Instant};

use pubsub_api::Notice;

/// The largest number of losses that are logged one by one in a [`WINDOW`], so that a restart of a publisher with thousands of
/// topics does not push everything else out of the log. The output has every notice.
const MAX_LINES: u64 = 50;

/// The time for which losses are counted together.
const WINDOW: Duration = Duration::from_secs(1);

/// Logs losses at WARN, with topic, number of events and cause, for operators who watch the log and not the output.
///
/// It logs at most [`MAX_LINES`] in a second, then one line with the number of the others. Callers pass the time.
#[derive(Debug, Default)]
pub(crate) struct LossLog {
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    ends: Instant,
    losses: u64,
}

impl Window {
    fn suppressed(&self) -> u64 {
        self.losses.saturating_sub(MAX_LINES)
    }
}

impl LossLog {
    /// Logs the notice if it reports a loss.
    pub(crate) fn notice(&mut self, notice: &Notice, now: Instant) {
        if is_loss(notice) && self.has_room(now) {
            log(notice);
        }
    }

    /// When to call [`report_suppressed`](Self::report_suppressed) next; `None` if nothing was suppressed.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.window.as_ref().filter(|window| window.suppressed() > 0).map(|window| window.ends)
    }

    /// Logs the number of suppressed losses if the window has ended.
    pub(crate) fn report_suppressed(&mut self, now: Instant) {
        if let Some(suppressed) = self.end_window(now) {
            tracing::warn!(
                id = "SK0518",
                suppressed,
                "suppressed {suppressed} log lines about gaps, resyncs and stale publishers; the output lists each"
            );
        }
    }

    fn has_room(&mut self, now: Instant) -> bool {
        self.report_suppressed(now);
        let window = self.window.get_or_insert(Window { ends: now + WINDOW, losses: 0 });
        window.losses += 1;
        window.losses <= MAX_LINES
    }

    fn end_window(&mut self, now: Instant) -> Option<u64> {
        let ended = self.window.take_if(|window| window.ends <= now)?;
        Some(ended.suppressed()).filter(|suppressed| *suppressed > 0)
    }
}

fn is_loss(notice: &Notice) -> bool {
    matches!(
        notice,
        Notice::Gap { .. } | Notice::Resync { .. } | Notice::DuplicatePublisher { .. } | Notice::Stale { .. }
    )
}

fn log(notice: &Notice) {
    const ANY: &str = "any topic";
    match notice {
        Notice::Gap { topic, events, reason } => {
            let topic = topic.as_deref().unwrap_or(ANY);
            tracing::warn!(id = "SK0514", topic, events, "gap: lost {events} events on {topic}: {reason}");
        }
        Notice::Resync { publisher, topic, reason } => {
            let (topic, publisher) =
                (topic.as_deref().unwrap_or(ANY), publisher.as_deref().unwrap_or("any publisher"));
            tracing::warn!(
                id = "SK0515",
                topic,
                publisher,
                "resync: an unknown number of events on {topic} of {publisher} may be lost: {reason}"
            );
        }
        Notice::DuplicatePublisher { id, publishers } => {
            let publishers = publishers.join(" and ");
            tracing::warn!(
                id = "SK0517",
                "two publishers use the id {id}: {publishers}; set a different publisher_id for one of them"
            );
        }
        Notice::Stale { publisher, reason } => {
            tracing::warn!(
                id = "SK0516",
                publisher,
                "stale: rows from {publisher} may be outdated: {reason}"
            );
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_losses_is_logged_up_to_the_limit_and_then_as_a_number() {
        let mut log = LossLog::default();
        let start = Instant::now();
        assert_eq!((0..MAX_LINES + 7).filter(|_| log.has_room(start)).count(), 50);
        assert_eq!(log.due(), Some(start + WINDOW));
        assert_eq!(log.end_window(start + WINDOW / 2), None, "the window has not ended");
        assert_eq!(log.end_window(start + WINDOW), Some(7));
        assert!(log.has_room(start + WINDOW));
        assert_eq!(log.due(), None);
    }

    #[test]
    fn a_window_without_suppressed_losses_ends_without_a_line() {
        let mut log = LossLog::default();
        let start = Instant::now();
        assert!(log.has_room(start));
        assert_eq!(log.end_window(start + WINDOW), None);
    }
}
