use std::time::Duration;

use pubsub_api::Topic;

use super::PublisherStream;
use crate::subscriber::Phase;
use crate::subscriber::context::Context;
use crate::subscriber::timing::MARKS_OVERDUE;
use crate::subscriber::tracked_topic::TrackedTopic;

/// The interval of the check for topics to give up.
const CHECK: Duration = Duration::from_secs(1);

/// Timers.
impl PublisherStream {
    /// The time that it waits for, if that is near.
    pub(in crate::subscriber) fn next_due(&self) -> Option<Duration> {
        let asks = self.is_proved && !self.takes_no_requests;
        let ask_at = asks.then(|| self.sync_client.next_at(self.request_schedule.next_at())).flatten();
        let check_at = (self.is_proved && !self.behind.is_empty()).then_some(self.check_at);
        [self.doubt_at, ask_at, check_at].into_iter().flatten().min()
    }

    /// Does everything that is due.
    pub(in crate::subscriber) fn tick(&mut self, context: &mut Context<'_>) {
        if self.doubt_at.is_some_and(|at| at <= context.now) {
            self.doubt_at = None;
            let accepts_requests = self.accepts_requests(context);
            if accepts_requests || self.unproved == 0 || std::mem::replace(&mut self.awaits_marks, true) {
                self.doubt(context);
            } else {
                self.doubt_at = Some(context.now + MARKS_OVERDUE);
            }
        }
        if self.is_proved && self.check_at <= context.now {
            self.check_at = context.now + CHECK;
            self.give_up_the_oldest(context);
        }
        self.look_at_keys(context);
        self.ask(context);
    }

    fn doubt(&mut self, context: &mut Context<'_>) {
        let is_stale = |tracked: &TrackedTopic| tracked.tracker.phase() == Phase::Stale;
        let mut stale: Vec<Topic> = self
            .topics
            .iter()
            .filter(|(_, tracked)| is_stale(tracked))
            .map(|(topic, _)| topic.clone())
            .collect();
        stale.sort();
        for topic in stale {
            self.follow(topic, context, |tracker, effects| {
                tracker.doubt(effects);
                0
            });
        }
    }
}
