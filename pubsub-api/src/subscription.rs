use std::collections::HashSet;
use std::fmt;

use crate::{Pattern, Topic};

/// What a subscriber asks for: one topic, or all that match a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subscription {
    /// Exactly this topic.
    Topic(Topic),
    /// Every topic of the pattern, reserved ones only if the pattern names the `$`.
    Pattern(Pattern),
}

impl Subscription {
    /// Whether an event on `topic` is asked for by this.
    #[must_use]
    pub fn wants(&self, topic: &Topic) -> bool {
        match self {
            Self::Topic(wanted) => wanted == topic,
            Self::Pattern(pattern) => pattern.matches(topic),
        }
    }

    /// The bytes that every wanted topic begins with, for transports that filter by prefix.
    #[must_use]
    pub fn literal_prefix(&self) -> &[u8] {
        match self {
            Self::Topic(topic) => topic.as_bytes(),
            Self::Pattern(pattern) => pattern.literal_prefix().as_bytes(),
        }
    }
}

impl From<Topic> for Subscription {
    fn from(topic: Topic) -> Self {
        Self::Topic(topic)
    }
}

impl From<Pattern> for Subscription {
    fn from(pattern: Pattern) -> Self {
        Self::Pattern(pattern)
    }
}

impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(topic) => topic.fmt(f),
            Self::Pattern(pattern) => pattern.fmt(f),
        }
    }
}

/// All that one subscriber asks for: the check that makes delivery exact whatever the transport filters.
///
/// Exact topics cost one hash look-up however many there are; patterns are tried one by one.
///
/// ```
/// use pubsub_api::{Subscriptions, Topic};
///
/// let mut wanted = Subscriptions::default();
/// assert!(wanted.insert(Topic::new("D")?.into()));
/// assert!(!wanted.insert(Topic::new("D")?.into()), "nothing changed");
/// assert!(wanted.wants(&Topic::new("D")?));
/// assert!(!wanted.wants(&Topic::new("Demo")?), "a prefix is not a match");
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Subscriptions {
    topics: HashSet<Topic>,
    patterns: Vec<Pattern>,
}

impl Subscriptions {
    /// Adds one; `false` if it was there already.
    pub fn insert(&mut self, subscription: Subscription) -> bool {
        match subscription {
            Subscription::Topic(topic) => self.topics.insert(topic),
            Subscription::Pattern(pattern) if self.patterns.contains(&pattern) => false,
            Subscription::Pattern(pattern) => {
                self.patterns.push(pattern);
                true
            }
        }
    }

    /// Takes one away; `false` if it was not there.
    pub fn remove(&mut self, subscription: &Subscription) -> bool {
        match subscription {
            Subscription::Topic(topic) => self.topics.remove(topic),
            Subscription::Pattern(pattern) => {
                let before = self.patterns.len();
                self.patterns.retain(|other| other != pattern);
                self.patterns.len() != before
            }
        }
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn contains(&self, subscription: &Subscription) -> bool {
        match subscription {
            Subscription::Topic(topic) => self.topics.contains(topic),
            Subscription::Pattern(pattern) => self.patterns.contains(pattern),
        }
    }

    /// Whether an event on `topic` is to be delivered; once, however many subscriptions match.
    #[must_use]
    pub fn wants(&self, topic: &Topic) -> bool {
        self.topics.contains(topic) || self.patterns.iter().any(|pattern| pattern.matches(topic))
    }

    /// Every subscription, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = Subscription> + '_ {
        let topics = self.topics.iter().cloned().map(Subscription::Topic);
        topics.chain(self.patterns.iter().cloned().map(Subscription::Pattern))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.topics.len() + self.patterns.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
