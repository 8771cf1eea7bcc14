use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use pubsub_api::Topic;

use crate::publisher::numbering::topics::RetiredTopic;

/// The latest topics that were retired, and when the `bye` of each is repeated: a second after it, and then every 10 s, like
/// the marks of an idle topic. So a subscriber whose line lost the last event of the topic and the `bye` still learns of it.
///
/// Times are since the publisher's start.
#[derive(Debug, Default)]
pub(crate) struct ByeSchedule {
    /// By the time of the next `bye`; the number distinguishes equal times.
    due: BTreeMap<(Duration, u64), RetiredTopic>,
    places: HashMap<Topic, (Duration, u64)>,
    added: u64,
}

/// The maximum number of retired topics that are remembered. Above it, the one is forgotten whose `bye` was repeated last.
const MAX_RETIRED: usize = 4096;

const FIRST: Duration = Duration::from_secs(1);

const INTERVAL: Duration = Duration::from_secs(10);

impl ByeSchedule {
    /// Notes a topic that was retired.
    pub(crate) fn add(&mut self, retired: RetiredTopic, now: Duration) {
        self.forget(&retired.topic);
        while self.due.len() >= MAX_RETIRED
            && let Some((_, latest)) = self.due.pop_last()
        {
            self.places.remove(&latest.topic);
        }
        self.plan(retired, now + FIRST);
    }

    fn plan(&mut self, retired: RetiredTopic, at: Duration) {
        self.added += 1;
        self.places.insert(retired.topic.clone(), (at, self.added));
        self.due.insert((at, self.added), retired);
    }

    fn forget(&mut self, topic: &Topic) {
        if let Some(place) = self.places.remove(topic) {
            self.due.remove(&place);
        }
    }

    /// The earliest time at which a `bye` is due.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// The topics whose `bye` is due, at most `limit` of them. One that is in use again (`is_used`) is forgotten.
    pub(crate) fn take_due(
        &mut self,
        now: Duration,
        limit: usize,
        is_used: impl Fn(&Topic) -> bool,
    ) -> Vec<RetiredTopic> {
        let mut taken = Vec::new();
        while taken.len() < limit
            && self.next().is_some_and(|due| due <= now)
            && let Some((_, retired)) = self.due.pop_first()
        {
            self.places.remove(&retired.topic);
            if !is_used(&retired.topic) {
                self.plan(retired.clone(), now + INTERVAL);
                taken.push(retired);
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pubsub_api::Topic;

    use super::{ByeSchedule, MAX_RETIRED};
    use crate::publisher::numbering::topics::RetiredTopic;

    fn retired(name: &str, last: u64) -> RetiredTopic {
        RetiredTopic { topic: Topic::new(name.to_owned()).unwrap(), last, floor: last }
    }

    fn due(byes: &mut ByeSchedule, second: u64, used: &str) -> Vec<(String, u64)> {
        let due = byes.take_due(Duration::from_secs(second), 9, |topic| topic.as_str() == used);
        due.into_iter().map(|it| (it.topic.to_string(), it.last)).collect()
    }

    #[test]
    fn a_bye_is_repeated_until_its_topic_is_in_use_again() {
        let mut byes = ByeSchedule::default();
        byes.add(retired("a", 3), Duration::ZERO);
        byes.add(retired("b", 4), Duration::ZERO);
        assert_eq!(due(&mut byes, 0, ""), []);
        assert_eq!(due(&mut byes, 1, "b"), [("a".to_owned(), 3)]);
        assert_eq!((due(&mut byes, 10, ""), byes.next()), (Vec::new(), Some(Duration::from_secs(11))));
        byes.add(retired("a", 7), Duration::from_secs(10));
        assert_eq!(due(&mut byes, 30, ""), [("a".to_owned(), 7)], "the later one alone");
    }

    #[test]
    fn of_too_many_the_one_that_was_repeated_last_is_forgotten() {
        let mut byes = ByeSchedule::default();
        byes.add(retired("first", 1), Duration::ZERO);
        assert_eq!(due(&mut byes, 1, "").len(), 1);
        for number in 0..MAX_RETIRED {
            byes.add(retired(&format!("t{number}"), 2), Duration::from_secs(1));
        }
        let all = byes.take_due(Duration::from_secs(99), usize::MAX, |_| false);
        assert_eq!((all.len(), all.iter().any(|it| it.topic.as_str() == "first")), (MAX_RETIRED, false));
    }
}
