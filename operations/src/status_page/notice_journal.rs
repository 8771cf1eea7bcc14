use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::wall_clock::wall_ms;

/// What happened lately, for the status page: losses, refusals, peers that became stale. It keeps the latest 200.
///
/// What happens again within a minute has one entry, which counts. Its lock is held for microseconds; an entry costs one allocation.
///
/// ```
/// use operations::NoticeJournal;
///
/// let journal = NoticeJournal::default();
/// journal.note("gap", "topic D: the missing events could not be recovered", 12);
/// ```
#[derive(Debug, Default)]
pub struct NoticeJournal(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    /// The number of calls so far.
    last: u64,
    /// The latest is last.
    entries: VecDeque<JournalEntry>,
}

/// An entry as the page reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct JournalEntry {
    /// Stays the same when the entry counts on.
    pub(super) id: u64,
    /// The number of the call that changed it last.
    #[serde(skip)]
    number: u64,
    #[serde(skip)]
    began_ms: u64,
    pub(super) at_ms: u64,
    pub(super) kind: &'static str,
    pub(super) text: String,
    pub(super) times: u64,
}

/// The most entries.
const MAX_ENTRIES: usize = 200;

/// The longest text of an entry, in bytes; a longer one is cut.
const MAX_ENTRY_BYTES: usize = 512;

/// For how long an entry counts repetitions, in milliseconds.
const REPETITION_MS: u64 = 60_000;

impl JournalEntry {
    /// Whether it changed after this number of calls.
    pub(super) fn is_after(&self, calls: u64) -> bool {
        self.number > calls
    }
}

impl NoticeJournal {
    /// Notes what happened `times` times now. `kind` is one word, `text` a sentence for an operator, which may have names that
    /// peers chose.
    pub fn note(&self, kind: &'static str, text: &str, times: u64) {
        self.note_at(kind, text, times, wall_ms());
    }

    pub(super) fn note_at(&self, kind: &'static str, text: &str, times: u64, now_ms: u64) {
        let text = cut(text);
        let mut journal = self.entries();
        journal.last += 1;
        let number = journal.last;
        let is_same = |entry: &JournalEntry| {
            entry.kind == kind && entry.text == text && now_ms.saturating_sub(entry.began_ms) < REPETITION_MS
        };
        let place = journal.entries.iter().rposition(is_same);
        let entry = match place.and_then(|place| journal.entries.remove(place)) {
            Some(entry) => JournalEntry { number, at_ms: now_ms, times: entry.times + times, ..entry },
            None => {
                let text = text.to_owned();
                JournalEntry { id: number, number, began_ms: now_ms, at_ms: now_ms, kind, text, times }
            }
        };
        if journal.entries.len() >= MAX_ENTRIES {
            journal.entries.pop_front();
        }
        journal.entries.push_back(entry);
    }

    /// The entries, the latest first, and the number of calls so far.
    pub(super) fn read(&self) -> (Vec<JournalEntry>, u64) {
        let journal = self.entries();
        (journal.entries.iter().rev().cloned().collect(), journal.last)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cut(text: &str) -> &str {
    let ends = (0..=MAX_ENTRY_BYTES.min(text.len())).rev();
    ends.into_iter().find_map(|end| text.get(..end)).unwrap_or_default()
}
