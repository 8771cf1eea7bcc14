use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use pubsub_api::Topic;

/// The topics to request from a publisher, ordered by the time at which they are due.
///
/// A topic is removed only when it needs no request any more. So a topic is part of a request, which has a deadline, or due at
/// a known time: none is forgotten.
#[derive(Debug, Default)]
pub(super) struct RequestSchedule {
    times: HashMap<Topic, Duration>,
    order: BTreeSet<(Duration, Topic)>,
}

impl RequestSchedule {
    /// Schedules a topic at `at`, replacing its time before.
    pub(super) fn put(&mut self, topic: Topic, at: Duration) {
        self.remove(&topic);
        self.times.insert(topic.clone(), at);
        self.order.insert((at, topic));
    }

    /// Removes a topic.
    pub(super) fn remove(&mut self, topic: &Topic) {
        if let Some(at) = self.times.remove(topic) {
            self.order.remove(&(at, topic.clone()));
        }
    }

    /// When the first topic is due.
    pub(super) fn next_at(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }

    /// The due topics, the longest due first.
    pub(super) fn due(&self, now: Duration) -> impl Iterator<Item = &Topic> {
        self.order.iter().take_while(move |(at, _)| *at <= now).map(|(_, topic)| topic)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pubsub_api::Topic;

    use super::RequestSchedule;

    #[test]
    fn topics_are_due_in_the_order_of_their_times_and_stay_until_they_are_removed() {
        let topic = |name: &'static str| Topic::new(name).unwrap();
        let second = Duration::from_secs;
        let mut wanted = RequestSchedule::default();
        wanted.put(topic("a"), second(3));
        wanted.put(topic("b"), second(2));
        wanted.put(topic("c"), second(9));
        let due = |wanted: &RequestSchedule, at| {
            wanted.due(second(at)).map(|topic| topic.to_string()).collect::<Vec<_>>()
        };
        assert_eq!((wanted.next_at(), due(&wanted, 3)), (Some(second(2)), vec!["b".into(), "a".into()]));
        wanted.put(topic("b"), second(4));
        assert_eq!((wanted.next_at(), due(&wanted, 4)), (Some(second(3)), vec!["a".into(), "b".into()]));
        wanted.remove(&topic("a"));
        assert_eq!((wanted.next_at(), due(&wanted, 3)), (Some(second(4)), vec![]));
    }
}
