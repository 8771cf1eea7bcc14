use std::time::{Duration, Instant};

use pubsub_api::Notice;

/// The most losses that are logged one by one in a [`WINDOW`]: a restart of a publisher with thousands of topics must not
/// push everything else out of the log. The output has every notice.
const MAX_LINES: u64 = 50;

const WINDOW: Duration = Duration::from_secs(1);

/// Logs losses at WARN, with topic, number and cause: for operators who watch the log and not the output.
///
/// At most [`MAX_LINES`] in a second, then one line with the number of the others. Time comes in as input.
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

    /// When [`tend`](Self::tend) is to be called next, if ever.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.window.as_ref().filter(|window| window.suppressed() > 0).map(|window| window.ends)
    }

    /// Logs the number of losses that a window that has ended suppressed.
    pub(crate) fn tend(&mut self, now: Instant) {
        if let Some(suppressed) = self.end_window(now) {
            tracing::warn!(
                suppressed,
                "{suppressed} more gaps, resyncs and stale publishers within a second; the output lists each"
            );
        }
    }

    fn has_room(&mut self, now: Instant) -> bool {
        self.tend(now);
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
            tracing::warn!(topic, events, "gap: {events} events on {topic} are lost: {reason}");
        }
        Notice::Resync { publisher, topic, reason } => {
            let (topic, publisher) =
                (topic.as_deref().unwrap_or(ANY), publisher.as_deref().unwrap_or("any publisher"));
            tracing::warn!(
                topic,
                publisher,
                "resync: events on {topic} of {publisher} may be lost, their number is unknown: {reason}"
            );
        }
        Notice::DuplicatePublisher { id, publishers } => {
            let publishers = publishers.join(" and ");
            tracing::warn!(
                "two publishers have the id {id}: {publishers}; set another publisher_id for one of them"
            );
        }
        Notice::Stale { publisher, reason } => {
            tracing::warn!(publisher, "stale: what came from {publisher} may be outdated: {reason}");
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
        assert_eq!(log.end_window(start + WINDOW / 2), None, "the window goes on");
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
