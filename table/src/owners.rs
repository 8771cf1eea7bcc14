use std::collections::HashMap;

use pubsub_api::{Action, Event, Topic};

/// The publisher of the latest event of a row, and its topic.
pub(crate) type Owner = (u64, Topic);

/// The number of rows of each owner, so that a snapshot that names them all needs no look at the others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners(HashMap<Owner, usize>);

impl Owners {
    /// Notes that the row's latest event was `old`, and is now `new`.
    pub(crate) fn moved(&mut self, old: Option<&Event>, new: Option<&Event>) {
        let (old, new) = (old.and_then(owner_ref), new.and_then(owner_ref));
        if old == new {
            return;
        }
        if let Some((publisher, topic)) = new {
            *self.0.entry((publisher, topic.clone())).or_default() += 1;
        }
        if let Some((publisher, topic)) = old
            && let owner = (publisher, topic.clone())
            && let Some(count) = self.0.get_mut(&owner)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(&owner);
            }
        }
    }

    pub(crate) fn rows_of(&self, owner: &Owner) -> usize {
        self.0.get(owner).copied().unwrap_or_default()
    }
}

/// Returns the owner of a row that exists, if its publisher is known.
pub(crate) fn owner(row: &Event) -> Option<Owner> {
    owner_ref(row).map(|(publisher, topic)| (publisher, topic.clone()))
}

fn owner_ref(row: &Event) -> Option<(u64, &Topic)> {
    let stamp = row.stamp.filter(|_| row.action != Action::Delete)?;
    Some((stamp.publisher, &row.topic))
}
