use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pubsub_api::{Counter, CounterReading, Topic};

/// The rows that the table has no room for: their number, and their topics, whose rows are requested when there is room.
#[derive(Debug)]
pub(crate) struct RefusedRows {
    rows: Counter,
    topics: Mutex<RefusedTopics>,
}

/// The topics of refused rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum RefusedTopics {
    /// No row was refused, except by a comparison with the database.
    #[default]
    None,
    /// These.
    Some(HashSet<Topic>),
    /// More than are noted: any topic.
    Any,
}

/// The maximum number of topics that are noted.
const MOST_TOPICS: usize = 4096;

impl Default for RefusedRows {
    fn default() -> Self {
        Self { rows: Counter::new("rows_refused"), topics: Mutex::default() }
    }
}

impl RefusedRows {
    fn topics(&self) -> MutexGuard<'_, RefusedTopics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes refused rows of a topic.
    pub(crate) fn note(&self, topic: &Topic, rows: usize) {
        if rows > 0 {
            self.rows.add(rows as u64);
            self.topics().add(topic);
        }
    }

    /// Notes refused rows of a comparison with the database: the next comparison finds them.
    pub(crate) fn note_compared(&self, rows: usize) {
        self.rows.add(rows as u64);
    }

    /// Whether rows of a topic were refused, and not requested since.
    pub(crate) fn concerns(&self, topic: &Topic) -> bool {
        match &*self.topics() {
            RefusedTopics::None => false,
            RefusedTopics::Some(topics) => topics.contains(topic),
            RefusedTopics::Any => true,
        }
    }

    /// The topics to request; none is noted after it.
    pub(crate) fn take_topics(&self) -> RefusedTopics {
        std::mem::take(&mut self.topics())
    }

    pub(crate) fn counter(&self) -> CounterReading {
        self.rows.read()
    }
}

impl RefusedTopics {
    fn add(&mut self, topic: &Topic) {
        match self {
            Self::None => *self = Self::Some(HashSet::from([topic.clone()])),
            Self::Some(topics) if topics.len() < MOST_TOPICS || topics.contains(topic) => {
                topics.insert(topic.clone());
            }
            Self::Some(_) => *self = Self::Any,
            Self::Any => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::Topic;

    use super::{MOST_TOPICS, RefusedRows, RefusedTopics};

    #[test]
    fn beyond_the_noted_topics_any_topic_is_requested() {
        let (refused, topic) = (RefusedRows::default(), |n| Topic::new(format!("t{n}")).unwrap());
        for n in 0..MOST_TOPICS {
            refused.note(&topic(n), 1);
        }
        assert!(refused.concerns(&topic(0)) && !refused.concerns(&topic(MOST_TOPICS)));
        refused.note(&topic(MOST_TOPICS), 2);
        assert!(refused.concerns(&topic(MOST_TOPICS + 1)));
        assert_eq!(refused.counter().value, MOST_TOPICS as u64 + 2);
        assert_eq!(refused.take_topics(), RefusedTopics::Any);
        assert_eq!(refused.take_topics(), RefusedTopics::None);
    }
}
