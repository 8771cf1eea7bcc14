use std::collections::HashMap;
use std::sync::Arc;

use pubsub_api::{Action, Event};

/// The latest event of each row: what the node knows of the world.
///
/// `delete` takes a row away, `sync` and events without table or key are about no row, and every other action sets
/// it, known or not, as genuine readers do (dragonflow-pubsub.md 3.1). Rows are told apart by table and key, not by
/// topic.
///
/// ```
/// use std::sync::Arc;
/// use pubsub_api::{Action, Event, SEND_ALL};
/// use subscriber_agent::Table;
///
/// let mut table = Table::default();
/// table.apply(&Arc::new(Event::new("lport", "p1", Action::Create, "v1", SEND_ALL)));
/// table.apply(&Arc::new(Event::new("lport", "p1", Action::Set, "v2", SEND_ALL)));
/// assert_eq!(table.get("lport", "p1").map(|event| event.value.clone()), Some("v2".into()));
/// table.apply(&Arc::new(Event::new("lport", "p1", Action::Delete, None, SEND_ALL)));
/// assert!(table.is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: HashMap<String, HashMap<String, Arc<Event>>>,
    len: usize,
}

impl Table {
    /// Takes an event into account.
    pub fn apply(&mut self, event: &Arc<Event>) {
        let (Some(table), Some(key)) = (&event.table, &event.key) else { return };
        match event.action {
            Action::Sync => {}
            Action::Delete => {
                let removed = self.rows.get_mut(table).and_then(|rows| rows.remove(key));
                self.len -= usize::from(removed.is_some());
            }
            Action::Create | Action::Set | Action::Other(_) => self.put(table, key, event),
        }
    }

    fn put(&mut self, table: &str, key: &str, event: &Arc<Event>) {
        if !self.rows.contains_key(table) {
            self.rows.insert(table.to_owned(), HashMap::new());
        }
        let Some(rows) = self.rows.get_mut(table) else { return };
        match rows.get_mut(key) {
            Some(row) => *row = Arc::clone(event),
            None => {
                rows.insert(key.to_owned(), Arc::clone(event));
                self.len += 1;
            }
        }
    }

    /// The latest event of a row that exists.
    #[must_use]
    pub fn get(&self, table: &str, key: &str) -> Option<&Arc<Event>> {
        self.rows.get(table)?.get(key)
    }

    /// Every row's latest event, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.rows.values().flat_map(HashMap::values)
    }

    /// How many rows exist.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no row exists.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pubsub_api::{Action, Event, SEND_ALL};

    use super::Table;

    fn event(table: Option<&str>, key: Option<&str>, action: &str) -> Arc<Event> {
        let mut event = Event::new("", "", Action::from(action), "v", SEND_ALL);
        event.table = table.map(str::to_owned);
        event.key = key.map(str::to_owned);
        Arc::new(event)
    }

    #[test]
    fn a_row_lives_from_its_first_event_to_its_delete() {
        let mut table = Table::default();
        for (action, rows) in
            [("set", 1), ("create", 1), ("own-action", 1), ("delete", 0), ("delete", 0), ("set", 1)]
        {
            table.apply(&event(Some("t"), Some("k"), action));
            assert_eq!((table.len(), table.iter().count()), (rows, rows), "after {action}");
        }
    }

    #[test]
    fn what_is_about_no_row_changes_no_row() {
        let mut table = Table::default();
        for odd in
            [event(None, None, "sync"), event(Some("t"), None, "set"), event(Some("t"), Some("k"), "sync")]
        {
            table.apply(&odd);
        }
        assert!(table.is_empty());
    }
}
