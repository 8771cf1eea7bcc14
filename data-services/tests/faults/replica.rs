use std::collections::BTreeMap;

use data_services::{Row, TableEvent};

use crate::record::Record;
use crate::truth::Rows;
use crate::validators;

/// What one subscription has received, applied to rows from the first event on.
#[derive(Debug, Clone)]
pub(crate) struct Replica {
    /// Whose it is, for messages.
    pub(crate) owner: String,
    pub(crate) table: &'static str,
    record: Record,
    /// The rows of each publisher, by node.
    pub(crate) views: BTreeMap<String, View>,
}

/// The table of one publisher, as a subscriber has it.
#[derive(Debug, Default, Clone)]
pub(crate) struct View {
    pub(crate) rows: Rows,
    pub(crate) is_live: bool,
    /// The latest version that the rows were.
    pub(crate) version: u64,
}

impl Replica {
    pub(crate) fn new(owner: &str, table: &'static str, record: Record) -> Self {
        Self { owner: owner.to_owned(), table, record, views: BTreeMap::new() }
    }

    pub(crate) fn apply(&mut self, event: &TableEvent) {
        let node = event.publisher().node.to_string();
        let place = format!("{}, table {} of {node}", self.owner, self.table);
        let mut events = self.record.lock();
        events.delivered += 1;
        let has_view = self.views.contains_key(&node);
        let view = self.views.entry(node.clone()).or_default();
        let mut found = Vec::new();
        let mut has_rows = false;
        match event {
            TableEvent::Snapshot { rows, .. } => {
                view.rows = rows.iter().map(pair).collect();
                has_rows = true;
            }
            TableEvent::Change { change, .. } => {
                has_rows = true;
                if !has_view {
                    found.push(format!("{place}: complete or loud: a change before any snapshot"));
                }
                found.extend(validators::change_fits(&place, &view.rows, change));
                for (key, _) in change.removed.iter().map(pair) {
                    view.rows.remove(&key);
                }
                let put = change.added.iter().chain(change.changed.iter().map(|(_, new)| new));
                view.rows.extend(put.map(pair));
            }
            TableEvent::Live { .. } => view.is_live = true,
            TableEvent::Stale { .. } => view.is_live = false,
            TableEvent::Gone { .. } => drop(self.views.remove(&node)),
            TableEvent::Raw { .. } => {}
        }
        if has_rows && let Some(view) = self.views.get_mut(&node) {
            found.extend(validators::is_a_version(&place, view, events.truth(&node, self.table)));
        }
        events.violations.extend(found);
    }
}

/// The key and the value of a row.
pub(crate) fn pair(row: &Row) -> (String, u64) {
    row.get().unwrap()
}
