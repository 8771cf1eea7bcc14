use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::{CauseCounter, CounterReading, RefusalReading};

/// Counts refusals by cause, and remembers who was refused last and why: peers, keys, subscriptions, publications.
///
/// For each cause it remembers the [`MAX_OF_CAUSE`](Self::MAX_OF_CAUSE) peers that were refused last, so that a flood of
/// one cause does not hide another. A peer that is refused again for the same cause has one entry, which counts.
///
/// ```
/// use status::RefusalJournal;
/// use std::time::Instant;
///
/// let journal = RefusalJournal::new("peers_refused");
/// let times = journal.refuse("curve_key_refused", "10.0.0.7", &"its key is not authorized", Instant::now());
/// assert_eq!(times, Some(1), "log it");
/// assert_eq!(journal.refuse("curve_key_refused", "10.0.0.7", &"its key is not authorized", Instant::now()), None);
/// let entries = journal.read();
/// assert_eq!((entries[0].who.as_str(), entries[0].times), ("10.0.0.7", 2));
/// ```
#[derive(Debug)]
pub struct RefusalJournal {
    counter: CauseCounter,
    by_cause: Mutex<BTreeMap<&'static str, Vec<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    who: String,
    reason: String,
    times: u64,
    last: Instant,
}

impl RefusalJournal {
    /// The number of peers that are remembered for each cause.
    pub const MAX_OF_CAUSE: usize = 16;

    /// The longest text of an entry, in bytes; a longer one is cut.
    pub const MAX_TEXT_BYTES: usize = 256;

    /// Creates an empty one, whose counters are called `name`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { counter: CauseCounter::new(name), by_cause: Mutex::new(BTreeMap::new()) }
    }

    /// Counts and remembers one refusal. Returns the number counted since the last line if a line of the log is due, as
    /// [`CauseCounter::count`] does.
    ///
    /// `who` names the refused peer: its address, process or key. The same name is the same peer.
    pub fn refuse(&self, cause: &'static str, who: &str, reason: &dyn Display, now: Instant) -> Option<u64> {
        let who = cut(who.to_owned());
        let mut by_cause = self.by_cause.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = by_cause.entry(cause).or_default();
        let times = match entries.iter().position(|entry| entry.who == who) {
            Some(place) => entries.remove(place).times,
            None => 0,
        };
        if entries.len() >= Self::MAX_OF_CAUSE {
            entries.remove(0);
        }
        let entry = Entry { who, reason: cut(reason.to_string()), times: times + 1, last: now };
        entries.push(entry);
        drop(by_cause);
        self.counter.count(cause, now)
    }

    /// Counts one without an entry: nobody in particular was refused.
    pub fn count(&self, cause: &'static str, now: Instant) -> Option<u64> {
        self.counter.count(cause, now)
    }

    /// Returns the total of all causes.
    pub fn total(&self) -> u64 {
        self.counter.total()
    }

    /// Returns the counters, one for each cause that occurred.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterReading> {
        self.counter.read()
    }

    /// Returns the entries: causes in alphabetical order, and the latest refusal last within a cause.
    #[must_use]
    pub fn read(&self) -> Vec<RefusalReading> {
        let by_cause = self.by_cause.lock().unwrap_or_else(PoisonError::into_inner);
        let entries =
            by_cause.iter().flat_map(|(cause, entries)| entries.iter().map(move |entry| (cause, entry)));
        let readings = entries.map(|(cause, entry)| RefusalReading {
            cause: (*cause).to_owned(),
            who: entry.who.clone(),
            reason: entry.reason.clone(),
            times: entry.times,
            seconds_ago: entry.last.elapsed().as_secs(),
        });
        readings.collect()
    }
}

fn cut(mut text: String) -> String {
    let mut end = RefusalJournal::MAX_TEXT_BYTES.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::RefusalJournal;

    #[test]
    fn a_flood_of_one_cause_hides_no_other_and_is_bounded() {
        let journal = RefusalJournal::new("peers_refused");
        let now = Instant::now();
        journal.refuse("key", "rare", &"its key is expired", now);
        for number in 0..100 {
            journal.refuse("topic", &format!("peer-{number}"), &"ä".repeat(200), now);
        }
        let entries = journal.read();
        assert_eq!(entries.len(), 1 + RefusalJournal::MAX_OF_CAUSE);
        assert_eq!((entries[0].cause.as_str(), entries[0].who.as_str()), ("key", "rare"));
        assert_eq!(entries.last().unwrap().who, "peer-99", "the latest is last");
        assert!(entries.iter().all(|entry| entry.reason.len() <= RefusalJournal::MAX_TEXT_BYTES));
        assert_eq!(journal.total(), 101);
    }

    #[test]
    fn a_peer_that_is_refused_again_has_one_entry() {
        let journal = RefusalJournal::new("peers_refused");
        let now = Instant::now();
        for (who, reason) in [("a", "first"), ("b", "other"), ("a", "second")] {
            journal.refuse("key", who, &reason, now);
        }
        let entries = journal.read();
        let seen: Vec<_> = entries.iter().map(|entry| (&*entry.who, &*entry.reason, entry.times)).collect();
        assert_eq!(seen, [("b", "other", 1), ("a", "second", 2)]);
    }
}
