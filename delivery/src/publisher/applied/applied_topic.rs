use std::time::Duration;

use crate::Position;

/// How far one agent has applied one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AppliedTopic {
    pub(super) applied: Position,
    /// The last event of the topic at the time of the report.
    pub(super) published: Position,
    /// The last event that was published when the agent was first seen behind, and when that was. It is replaced when the agent
    /// has applied that event: an agent that keeps up with a busy topic is behind at each report, but never for long.
    awaited: Option<(Position, Duration)>,
}

impl AppliedTopic {
    pub(super) fn new(applied: Position, last: Position, now: Duration) -> Self {
        let mut topic = Self { applied, published: last, awaited: None };
        topic.report(applied, last, now);
        topic
    }

    /// The agent reports `applied`, while the last event of the topic is `last`.
    pub(super) fn report(&mut self, applied: Position, last: Position, now: Duration) {
        (self.applied, self.published) = (applied, last);
        let is_reached = self.awaited.is_none_or(|(awaited, _)| applied >= awaited);
        if is_reached {
            self.awaited = (applied < last).then_some((last, now));
        }
    }

    /// The number of events up to `last` that are not applied.
    pub(super) fn lag_events(&self, last: Position) -> u64 {
        match self.applied < last {
            true if self.applied.sequence <= last.sequence => last.sequence - self.applied.sequence,
            // Its position is of an epoch that is over, and the sequences began again.
            true => last.sequence,
            false => 0,
        }
    }

    /// How long some event has not been applied.
    pub(super) fn lag(&self, now: Duration) -> Duration {
        self.awaited.map_or(Duration::ZERO, |(_, since)| now.saturating_sub(since))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::AppliedTopic;
    use crate::Position;

    fn at(sequence: u64) -> Position {
        Position { epoch: 1, sequence }
    }

    fn second(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn an_agent_that_keeps_up_with_a_busy_topic_is_never_long_behind() {
        let mut topic = AppliedTopic::new(at(90), at(100), second(0));
        for now in 1..100 {
            topic.report(at(90 + 100 * now), at(100 + 100 * now), second(now));
            assert!(topic.lag(second(now + 1)) <= second(1), "at {now}");
            assert_eq!(topic.lag_events(at(100 + 100 * now)), 10);
        }
    }

    #[test]
    fn the_lag_of_an_agent_that_stands_still_grows_until_it_has_applied_what_was_published_then() {
        let mut topic = AppliedTopic::new(at(5), at(6), second(0));
        topic.report(at(5), at(70), second(10));
        assert_eq!((topic.lag(second(10)), topic.lag_events(at(70))), (second(10), 65));
        topic.report(at(6), at(70), second(11));
        assert_eq!(topic.lag(second(12)), second(1), "event 6 is applied, 70 is awaited since then");
        topic.report(at(70), at(70), second(13));
        assert_eq!((topic.lag(second(99)), topic.lag_events(at(70))), (Duration::ZERO, 0));
    }

    #[test]
    fn after_sequences_began_again_all_of_the_new_ones_are_missing() {
        let topic = AppliedTopic::new(at(500), Position { epoch: 2, sequence: 3 }, second(0));
        assert_eq!(topic.lag_events(Position { epoch: 2, sequence: 3 }), 3);
        let goes_on = AppliedTopic::new(at(2), Position { epoch: 2, sequence: 3 }, second(0));
        assert_eq!(goes_on.lag_events(Position { epoch: 2, sequence: 3 }), 1);
    }
}
