use std::collections::BTreeMap;

use serde::Serialize;

use super::NoticeJournal;
use crate::{PeerCondition, PeerList, PeerRow};

/// The peers of a program, and what has changed since the last reading.
#[derive(Debug, Default)]
pub(super) struct PeerChanges {
    kind: &'static str,
    note: &'static str,
    rows: BTreeMap<String, PeerRow>,
    /// The number of all peers in each condition, also of those that are not listed.
    conditions: BTreeMap<PeerCondition, usize>,
    changed: Vec<String>,
    removed: Vec<String>,
}

/// The peers as the page reads them.
#[derive(Debug, Serialize)]
pub(super) struct PeersOfPage<'a> {
    kind: &'static str,
    note: &'static str,
    total: usize,
    conditions: &'a BTreeMap<PeerCondition, usize>,
    /// The rows that are new or differ.
    changed: Vec<&'a PeerRow>,
    /// The ids of the rows that are not listed any more.
    removed: Vec<&'a str>,
}

/// More peers than this that change in the same way are one entry of the journal.
const MAX_NAMED_CHANGES: usize = 5;

impl PeerChanges {
    /// Takes a reading, and notes which peers became stale or failing, or did not stay so.
    pub(super) fn take(&mut self, mut list: PeerList, journal: &NoticeJournal, now_ms: u64) {
        (self.kind, self.note) = (list.kind, list.note);
        self.conditions = PeerCondition::ALL.into_iter().map(|condition| (condition, 0)).collect();
        for row in &list.rows {
            *self.conditions.entry(row.condition).or_default() += 1;
        }
        list.cut();
        let rows: BTreeMap<String, PeerRow> =
            list.rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        self.note_changes(&rows, journal, now_ms);
        let is_changed = |(id, row): &(&String, &PeerRow)| self.rows.get(*id) != Some(*row);
        self.changed = rows.iter().filter(is_changed).map(|(id, _)| id.clone()).collect();
        self.removed = self.rows.keys().filter(|id| !rows.contains_key(*id)).cloned().collect();
        self.rows = rows;
    }

    /// Nothing was read this time.
    pub(super) fn skip(&mut self) {
        self.changed.clear();
        self.removed.clear();
    }

    fn note_changes(&self, rows: &BTreeMap<String, PeerRow>, journal: &NoticeJournal, now_ms: u64) {
        let mut changes: BTreeMap<PeerCondition, Vec<&PeerRow>> = BTreeMap::new();
        for (id, row) in rows {
            let Some(before) = self.rows.get(id) else { continue };
            // A peer that is behind for a moment is no news.
            let is_news = before.condition.max(row.condition) > PeerCondition::Slow;
            if before.condition != row.condition && is_news {
                changes.entry(row.condition).or_default().push(row);
            }
        }
        for (condition, rows) in changes {
            let word = word(condition);
            if rows.len() > MAX_NAMED_CHANGES {
                journal.note_at("peer", &format!("{} {} are {word}", rows.len(), self.kind), 1, now_ms);
                continue;
            }
            for PeerRow { name, state, last_error, .. } in rows {
                let error = last_error.as_deref().filter(|_| condition == PeerCondition::Failing);
                let why = error.map_or(state.clone(), |error| format!("{state}; {error}"));
                journal.note_at("peer", &format!("{name} is {word}: {why}"), 1, now_ms);
            }
        }
    }

    /// All rows.
    pub(super) fn all(&self) -> PeersOfPage<'_> {
        PeersOfPage { changed: self.rows.values().collect(), ..self.heads() }
    }

    /// What has changed since the reading before.
    pub(super) fn changes(&self) -> PeersOfPage<'_> {
        PeersOfPage {
            changed: self.changed.iter().filter_map(|id| self.rows.get(id)).collect(),
            removed: self.removed.iter().map(String::as_str).collect(),
            ..self.heads()
        }
    }

    fn heads(&self) -> PeersOfPage<'_> {
        PeersOfPage {
            kind: self.kind,
            note: self.note,
            total: self.conditions.values().sum(),
            conditions: &self.conditions,
            changed: Vec::new(),
            removed: Vec::new(),
        }
    }
}

fn word(condition: PeerCondition) -> &'static str {
    match condition {
        PeerCondition::Fine => "fine again",
        PeerCondition::Slow => "behind",
        PeerCondition::Failing => "failing",
        PeerCondition::Stale => "stale",
    }
}
