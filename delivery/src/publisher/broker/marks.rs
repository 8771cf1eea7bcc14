use std::time::Duration;

use super::outgoing::{Outgoing, Planned};
use super::session::Session;
use crate::Mark;
use crate::publisher::numbering::topics::TopicId;

/// The most marks that are sent at once; then events have their turn.
const AT_ONCE: usize = 256;

/// Marks and byes.
impl Outgoing {
    /// Sends the marks that are due, at most [`AT_ONCE`], each after the loss record of its topic, if one is owed. A mark that
    /// the driver does not accept is sent at its next time.
    pub(super) async fn say_marks(&mut self, session: &Session) {
        self.begin(session);
        let due = self.schedule.take_due(session.since_start(), AT_ONCE, fastrand::f64);
        let mut marks = 0;
        for id in due {
            self.plan_lost(id);
            marks += self.plan_mark(id);
        }
        if marks > 0 {
            let before = session.metrics.marks.get();
            let outcome = self.send(session, true).await;
            let unsent = marks.saturating_sub(session.metrics.marks.get() - before);
            session.metrics.marks_unsent.add(unsent);
            if let Some(failure) = outcome.failure {
                tracing::debug!(
                    unsent,
                    "could not send marks: {failure:?}; they are sent again at their next time"
                );
            }
        }
    }

    fn plan_mark(&mut self, id: TopicId) -> u64 {
        let Some(state) = self.topics.get(id).filter(|state| state.is_used()) else { return 0 };
        let stamp = self.stamper.stamp(state.last);
        // Events cannot be requested again, so the oldest is the next one.
        let oldest = state.last.saturating_add(1);
        let mark = Mark { topic: state.topic.clone(), stamp, oldest, prev: None };
        self.plan_envelope(Planned::Mark, mark.pack());
        1
    }

    /// When the next mark is due, since the start.
    pub(super) fn next_mark(&self) -> Option<Duration> {
        self.schedule.next()
    }

    /// Sends a `bye` on each topic. Without it, subscribers forget the topic after ten minutes.
    pub(super) async fn say_byes(&mut self, session: &Session) {
        let ids: Vec<TopicId> = self.topics.ids().collect();
        for ids in ids.chunks(AT_ONCE) {
            self.begin(session);
            for id in ids {
                self.plan_lost(*id);
                self.plan_bye_of(*id);
            }
            if self.plan.is_empty() {
                continue;
            }
            if let Some(failure) = self.send(session, true).await.failure {
                tracing::warn!(id = "SK0901", "could not send the final `bye` on some topics: {failure:?}");
                return;
            }
        }
    }
}
