use std::str::FromStr;

use pubsub_api::{Pattern, Posture, Topic, Verdict};

use crate::Principal;

/// What workers of one user or group may publish, as an entry of `worker_rights`:
/// `uid:1000 table=lport table=lswitch topic=tenant-*`.
///
/// Without `table=`, events of every table; without `topic=`, events on every topic. A table and a topic are patterns, as a
/// subscription has them. Neither can contain whitespace here.
///
/// ```
/// use drivers_zmtp::WorkerRight;
/// use pubsub_api::Topic;
///
/// let right: WorkerRight = "uid:1000 table=lport topic=tenant-*".parse()?;
/// assert!(right.allows(&Topic::new("tenant-1")?, Some("lport")));
/// assert!(!right.allows(&Topic::new("tenant-1")?, Some("chassis")));
/// assert!(!right.allows(&Topic::new("D")?, Some("lport")));
/// assert!(!right.allows(&Topic::new("tenant-1")?, None), "an event without a table is not of this table");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerRight {
    /// The workers that have it.
    pub principal: Principal,
    tables: Vec<Pattern>,
    topics: Vec<Pattern>,
}

impl WorkerRight {
    /// Whether an event about a table, if it has one, may be published on a topic.
    #[must_use]
    pub fn allows(&self, topic: &Topic, table: Option<&str>) -> bool {
        let is_of_table = || {
            // A table's name may be any text: one that is not a topic matches no pattern.
            let table = table.and_then(|table| Topic::new(table.to_owned()).ok());
            table.is_some_and(|table| self.tables.iter().any(|pattern| pattern.matches(&table)))
        };
        (self.topics.is_empty() || self.topics.iter().any(|pattern| pattern.matches(topic)))
            && (self.tables.is_empty() || is_of_table())
    }

    /// What workers may publish.
    pub(crate) fn posture(rights: &[Self]) -> Posture {
        if rights.is_empty() {
            let state = "every worker may publish every event";
            return Posture::new(ASPECT, Verdict::Open, state)
                .remedy("drivers.zmtp.worker_rights limits them");
        }
        Posture::new(ASPECT, Verdict::Good, format!("{} entries of worker_rights limit them", rights.len()))
    }
}

const ASPECT: &str = "publications";

impl FromStr for WorkerRight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace();
        let principal = words.next().unwrap_or_default().parse()?;
        let mut right = Self { principal, tables: Vec::new(), topics: Vec::new() };
        for word in words {
            let (list, pattern) = match word.split_once('=') {
                Some(("table", pattern)) => (&mut right.tables, pattern),
                Some(("topic", pattern)) => (&mut right.topics, pattern),
                _ => return Err(format!("{word:?} is neither table=PATTERN nor topic=PATTERN")),
            };
            list.push(pattern.parse().map_err(|error: pubsub_api::Error| error.to_string())?);
        }
        Ok(right)
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::Topic;

    use super::WorkerRight;

    #[test]
    fn without_patterns_everything_may_be_published() {
        let right: WorkerRight = "gid:42".parse().unwrap();
        assert!(right.allows(&Topic::new("D").unwrap(), None));
        assert!(right.allows(&Topic::new("tenant-1").unwrap(), Some("lport")));
    }

    #[test]
    fn an_entry_that_is_not_understood_is_an_error() {
        for (wrong, word) in [
            ("", "uid:1000"),
            ("lport", "uid:1000"),
            ("uid:7 lport", "neither table=PATTERN nor topic=PATTERN"),
            ("uid:7 key=a", "neither table=PATTERN nor topic=PATTERN"),
            ("uid:7 topic=*.a*", "mixes word wildcards and a prefix"),
            ("uid:7 table=", "pattern"),
        ] {
            let error = wrong.parse::<WorkerRight>().unwrap_err();
            assert!(error.contains(word), "{wrong}: {error}");
        }
    }
}
