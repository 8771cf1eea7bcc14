use std::collections::HashSet;
use std::fmt;

use errors::{Error, ErrorKind, Result};

use crate::{Pattern, Topic};

/// A subscription: one topic, or all topics that match a pattern.
///
/// A topic whose name contains `*` or `#` is not a pattern: it matches only the topic of exactly that name.
///
/// ```
/// use topics::{Pattern, Subscription, Topic};
///
/// let exact = Subscription::from(Topic::new("port.*")?);
/// let pattern = Subscription::from("port.*".parse::<Pattern>()?);
/// let topic = Topic::new("port.up")?;
/// assert!(!exact.wants(&topic));
/// assert!(pattern.wants(&topic));
/// assert_eq!(pattern.literal_prefix(), b"port.");
/// # Ok::<(), errors::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subscription {
    /// Exactly this topic.
    Topic(Topic),
    /// Every topic that matches the pattern; reserved ones only if the pattern begins with `$`.
    Pattern(Pattern),
}

impl Subscription {
    /// Returns whether the subscription matches `topic`.
    #[must_use]
    pub fn wants(&self, topic: &Topic) -> bool {
        match self {
            Self::Topic(wanted) => wanted == topic,
            Self::Pattern(pattern) => pattern.matches(topic),
        }
    }

    /// Returns the bytes that every matching topic begins with, for transports that filter by prefix.
    ///
    /// A transport that subscribes to this prefix receives every wanted event, and others: the subscriber checks each
    /// topic with [`wants`](Self::wants). The prefix of `#` is empty, so that transport receives everything.
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

/// All subscriptions of one subscriber: the check that makes delivery exact, whatever the transport filters.
///
/// Exact topics cost one hash look-up, whatever their number; patterns are tried one by one.
///
/// ```
/// use topics::{Subscriptions, Topic};
///
/// let mut wanted = Subscriptions::default();
/// assert!(wanted.insert(Topic::new("D")?.into()));
/// assert!(!wanted.insert(Topic::new("D")?.into()), "nothing changed");
/// assert!(wanted.wants(&Topic::new("D")?));
/// assert!(!wanted.wants(&Topic::new("Demo")?), "a prefix is not a match");
/// # Ok::<(), errors::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Subscriptions {
    topics: HashSet<Topic>,
    patterns: Vec<Pattern>,
}

impl Subscriptions {
    /// Adds a subscription, if there are fewer than `max`. Returns `false` if it existed already.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there are `max` others.
    ///
    /// ```
    /// use topics::{Subscriptions, Topic};
    ///
    /// let mut wanted = Subscriptions::default();
    /// assert!(wanted.insert_below(1, Topic::new("a")?.into())?);
    /// assert!(!wanted.insert_below(1, Topic::new("a")?.into())?, "it is there");
    /// assert!(wanted.insert_below(1, Topic::new("b")?.into()).is_err(), "there is no room");
    /// # Ok::<(), errors::Error>(())
    /// ```
    pub fn insert_below(&mut self, max: usize, subscription: Subscription) -> Result<bool> {
        if self.len() >= max && !self.contains(&subscription) {
            let text = format!("a subscriber can have at most {max} topics and patterns");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(self.insert(subscription))
    }

    /// Adds a subscription. Returns `false` if it existed already.
    ///
    /// It has no bound; [`insert_below`](Self::insert_below) has one.
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

    /// Removes a subscription. Returns `false` if it did not exist.
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

    /// Returns whether this subscription exists.
    #[must_use]
    pub fn contains(&self, subscription: &Subscription) -> bool {
        match subscription {
            Subscription::Topic(topic) => self.topics.contains(topic),
            Subscription::Pattern(pattern) => self.patterns.contains(pattern),
        }
    }

    /// Returns whether an event on `topic` is to be delivered; once, even if several subscriptions match.
    #[must_use]
    pub fn wants(&self, topic: &Topic) -> bool {
        self.topics.contains(topic) || self.patterns.iter().any(|pattern| pattern.matches(topic))
    }

    /// Iterates over every subscription, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = Subscription> + '_ {
        let topics = self.topics.iter().cloned().map(Subscription::Topic);
        topics.chain(self.patterns.iter().cloned().map(Subscription::Pattern))
    }

    /// Returns the number of subscriptions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.topics.len() + self.patterns.len()
    }

    /// Returns whether there are no subscriptions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
