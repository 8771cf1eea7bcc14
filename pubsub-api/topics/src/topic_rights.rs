mod automaton;

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use errors::{Error, ErrorKind, Result};

use crate::{HELLO, MARK_PREFIX, Pattern, Subscription, Topic};
use automaton::Automaton;

/// The topics that a peer may receive: all, or those that at least one of a list of topics and patterns matches.
///
/// - As in every pattern, a wildcard never matches the `$` at the start of a reserved topic.
/// - `$hello` is always allowed. The [mark](Topic::mark) of a topic is allowed if and only if the topic is; that of a reserved topic,
///   which no service sends, also if a wildcard matches its name. Any other reserved topic must be in the list, or match a
///   pattern of it that begins with `$`.
///
/// A clone shares the list.
///
/// ```
/// use topics::{Pattern, Topic, TopicRights};
///
/// let rights = TopicRights::of(["tenant-*".parse::<Pattern>()?.into()])?;
/// assert!(rights.allows(&Topic::new("tenant-1")?) && rights.allows(&Topic::new("$mark.tenant-1")?));
/// assert!(!rights.allows(&Topic::new("D")?));
/// assert!(rights.includes(&"tenant-1*".parse::<Pattern>()?.into()));
/// assert!(!rights.includes(&"#".parse::<Pattern>()?.into()));
/// # Ok::<(), errors::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TopicRights(Option<Arc<Limited>>);

/// A list of topics and patterns.
#[derive(Debug)]
struct Limited {
    /// Without repetition, in the order of their texts.
    members: Vec<Subscription>,
    /// Made at the first comparison with a pattern.
    automaton: OnceLock<Automaton>,
}

impl Limited {
    fn automaton(&self) -> &Automaton {
        self.automaton.get_or_init(|| Automaton::of_rights(&self.members))
    }
}

/// The name on which the marks of topics begin, without a topic: nothing is published there, and the pattern of all marks matches it.
const NO_MARKS: [&[u8]; 2] = [b"$mark", b"$mark."];

impl TopicRights {
    /// The maximum number of topics and patterns of a list.
    pub const MAX_MEMBERS: usize = 256;

    /// Every topic is allowed.
    pub const ALL: Self = Self(None);

    /// Only topics that one of these matches are allowed. Their order does not matter.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there are more than [`MAX_MEMBERS`](Self::MAX_MEMBERS).
    pub fn of(members: impl IntoIterator<Item = Subscription>) -> Result<Self> {
        let mut members: Vec<Subscription> = members.into_iter().take(Self::MAX_MEMBERS + 1).collect();
        if members.len() > Self::MAX_MEMBERS {
            let text =
                format!("a list of topic rights has at most {} topics and patterns", Self::MAX_MEMBERS);
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        members.sort_by_cached_key(|member| (is_pattern(member), member.to_string()));
        members.dedup();
        Ok(Self(Some(Arc::new(Limited { members, automaton: OnceLock::new() }))))
    }

    /// Returns whether every topic is allowed.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the topics and patterns of the list; `None` if every topic is allowed.
    #[must_use]
    pub fn members(&self) -> Option<&[Subscription]> {
        self.0.as_ref().map(|limited| limited.members.as_slice())
    }

    /// Returns whether the peer may receive events of this topic.
    #[must_use]
    pub fn allows(&self, topic: &Topic) -> bool {
        let Some(limited) = &self.0 else { return true };
        let name = topic.as_bytes();
        if *topic == HELLO || NO_MARKS.contains(&name) {
            return true;
        }
        let members = || limited.members.iter();
        let marked = || topic.marked();
        members().any(|member| member.wants(topic))
            || (name.starts_with(MARK_PREFIX)
                && marked().is_some_and(|topic| members().any(|member| wants_marked(member, &topic))))
    }

    /// Returns whether every topic that the subscription matches is allowed.
    ///
    /// The answer about a topic is exact. The answer about a pattern is never wrongly `true`, and exact but for two cases: if only
    /// patterns together include it that list every possible character of UTF-8, and if the comparison takes too long, which needs
    /// dozens of patterns with `#` in the middle.
    ///
    /// ```
    /// use topics::{Pattern, TopicRights};
    ///
    /// let rights = TopicRights::of(["a".parse::<Pattern>()?.into(), "a.*.#".parse::<Pattern>()?.into()])?;
    /// assert!(rights.includes(&"a.#".parse::<Pattern>()?.into()), "no pattern alone includes it");
    /// # Ok::<(), errors::Error>(())
    /// ```
    #[must_use]
    pub fn includes(&self, subscription: &Subscription) -> bool {
        let Some(limited) = &self.0 else { return true };
        match subscription {
            Subscription::Topic(topic) => self.allows(topic),
            Subscription::Pattern(_) if limited.members.contains(subscription) => true,
            Subscription::Pattern(pattern) => limited.automaton().includes(&Automaton::of_pattern(pattern)),
        }
    }

    /// Returns whether a peer that filters by prefix may subscribe to this one: it is an allowed topic, or all topics that begin with
    /// it are allowed. The empty prefix stands for all topics that are not reserved. A prefix with which no topic begins, as it is longer
    /// than any, is not accepted.
    ///
    /// A prefix that is an allowed topic can begin other topics, too: of those only the ones that [`allows`](Self::allows) accepts may
    /// be sent to the peer.
    #[must_use]
    pub fn accepts_prefix(&self, prefix: &[u8]) -> bool {
        let Some(limited) = &self.0 else { return true };
        if prefix.len() > Topic::MAX_RESERVED_BYTES {
            return false;
        }
        let is_allowed = || Topic::new(prefix.to_vec()).is_ok_and(|topic| self.allows(&topic));
        is_allowed() || limited.automaton().includes(&Automaton::of_prefix(prefix))
    }
}

fn is_pattern(member: &Subscription) -> bool {
    matches!(member, Subscription::Pattern(_))
}

/// Whether a member matches the topic that a mark is about.
fn wants_marked(member: &Subscription, topic: &Topic) -> bool {
    match member {
        Subscription::Topic(wanted) => wanted == topic,
        Subscription::Pattern(pattern) => pattern.matches_name(topic),
    }
}

impl PartialEq for TopicRights {
    fn eq(&self, other: &Self) -> bool {
        self.members() == other.members()
    }
}

impl Eq for TopicRights {}

impl Hash for TopicRights {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.members().hash(state);
    }
}

impl From<Pattern> for TopicRights {
    /// The topics that one pattern matches.
    fn from(pattern: Pattern) -> Self {
        let members = vec![Subscription::from(pattern)];
        Self(Some(Arc::new(Limited { members, automaton: OnceLock::new() })))
    }
}

#[cfg(test)]
mod tests;
