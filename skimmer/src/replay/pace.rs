use tokio::time::{Instant, sleep_until};

use super::speed::Speed;

/// Waits until entries are due, by the time that they came after the first.
pub(super) struct Pace {
    speed: Speed,
    begun: Option<(Instant, u64)>,
}

impl Pace {
    pub(super) fn new(speed: Speed) -> Self {
        Self { speed, begun: None }
    }

    /// Returns when an entry of this time is due. One whose clock was set back is due at once.
    pub(super) async fn wait(&mut self, at_ns: u64) {
        let (began, first) = *self.begun.get_or_insert_with(|| (Instant::now(), at_ns));
        let due =
            self.speed.due_after(at_ns.saturating_sub(first)).and_then(|after| began.checked_add(after));
        if let Some(due) = due {
            // The pause that was recorded.
            sleep_until(due).await;
        }
    }
}
