use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

/// Counts by a name that comes with the events, such as their topic or table. The first [`MAX_NAMES`](Self::MAX_NAMES) names
/// have a counter each; all others together have one, so that events cannot make it grow. Nobody waits.
///
/// ```
/// use status::NamedCounters;
///
/// let tables = NamedCounters::new("events_applied", "table");
/// tables.count("lport", 2);
/// let reading = tables.read();
/// assert_eq!((reading.values[0].of.as_str(), reading.values[0].value), ("lport", 2));
/// ```
#[derive(Debug)]
pub struct NamedCounters {
    name: &'static str,
    by: &'static str,
    counters: [OnceLock<(Box<str>, AtomicU64)>; Self::MAX_NAMES],
    other: AtomicU64,
    /// The place of the last name: events of one name often follow each other.
    latest: AtomicUsize,
}

impl NamedCounters {
    /// The number of names with a counter of their own.
    pub const MAX_NAMES: usize = 32;

    /// The name of all names without a counter of their own. Topics that begin with `$` are reserved, so none has it.
    pub const OTHER: &str = "$other";

    /// Creates one whose counters are called `name`, by `by`: `topic` or `table`.
    #[must_use]
    pub const fn new(name: &'static str, by: &'static str) -> Self {
        let counters = [const { OnceLock::new() }; Self::MAX_NAMES];
        Self { name, by, counters, other: AtomicU64::new(0), latest: AtomicUsize::new(0) }
    }

    /// Returns the place of a name, for [`add`](Self::add). A name that is new gets one, as long as there are any.
    pub fn place(&self, name: &str) -> usize {
        for (place, counter) in self.counters.iter().enumerate() {
            let (known, _) = counter.get_or_init(|| (name.into(), AtomicU64::new(0)));
            if **known == *name {
                return place;
            }
        }
        Self::MAX_NAMES
    }

    /// Adds to the counter of a [`place`](Self::place).
    pub fn add(&self, place: usize, more: u64) {
        let counter = self.counters.get(place).and_then(OnceLock::get);
        counter.map_or(&self.other, |(_, counter)| counter).fetch_add(more, Ordering::Relaxed);
    }

    /// Adds to the counter of a name. It is fastest for the name of the call before.
    pub fn count(&self, name: &str, more: u64) {
        let latest = self.latest.load(Ordering::Relaxed);
        let known = self.counters.get(latest).and_then(OnceLock::get);
        if let Some((_, counter)) = known.filter(|(known, _)| **known == *name) {
            counter.fetch_add(more, Ordering::Relaxed);
            return;
        }
        let place = self.place(name);
        self.latest.store(place, Ordering::Relaxed);
        self.add(place, more);
    }

    /// Returns the counters, in the order in which the names came first; [`OTHER`](Self::OTHER) is last, if it was counted.
    #[must_use]
    pub fn read(&self) -> NamedReading {
        let named = self.counters.iter().filter_map(OnceLock::get);
        let named = named.map(|(of, value)| (&**of, value.load(Ordering::Relaxed)));
        let other = Some(self.other.load(Ordering::Relaxed)).filter(|value| *value > 0);
        let all = named.chain(other.map(|value| (Self::OTHER, value)));
        let values = all.map(|(of, value)| NamedValue { of: of.to_owned(), value }).collect();
        NamedReading { name: self.name.to_owned(), by: self.by.to_owned(), values }
    }
}

/// The values of counters by name, at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedReading {
    /// The name of the counters, such as `events_applied`.
    pub name: String,
    /// What the names are: `topic` or `table`.
    pub by: String,
    /// The values.
    pub values: Vec<NamedValue>,
}

/// The value of one of the counters by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedValue {
    /// The topic or table.
    pub of: String,
    /// The value so far.
    pub value: u64,
}

#[cfg(test)]
mod tests {
    use super::NamedCounters;

    #[test]
    fn names_beyond_the_bound_are_counted_together() {
        let counters = NamedCounters::new("events_applied", "table");
        for round in 0..3 {
            for number in 0..NamedCounters::MAX_NAMES + 10 {
                counters.count(&format!("table-{number}"), 1 + round);
            }
        }
        let reading = counters.read();
        assert_eq!(reading.values.len(), NamedCounters::MAX_NAMES + 1);
        assert!(reading.values.iter().take(NamedCounters::MAX_NAMES).all(|named| named.value == 6));
        let other = reading.values.last().unwrap();
        assert_eq!((other.of.as_str(), other.value), (NamedCounters::OTHER, 60));
    }
}
