use pubsub_api::{Event, Value};

use crate::row::exists;

/// About how much memory the rows use, and how much they may.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    bytes: usize,
    bound: usize,
    /// The bytes of the largest refused event; 0 if none was refused.
    refused: usize,
}

/// What a row uses besides its names and its value: the event, its place in the map, and the allocations, measured with
/// a million rows (579 MiB with 36-byte keys and 100-byte values).
const ROW_BYTES: usize = 400;

impl Default for Room {
    fn default() -> Self {
        Self { bytes: 0, bound: usize::MAX, refused: 0 }
    }
}

impl Room {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn bound(&self) -> usize {
        self.bound
    }

    pub(crate) fn set_bound(&mut self, bytes: usize) {
        self.bound = bytes;
    }

    /// Whether `new` may replace `old`. Notes it if not.
    pub(crate) fn fits(&mut self, old: Option<&Event>, new: &Event) -> bool {
        // A delete needs no more than its row; of rows that are not known, the tombstones are bounded.
        !exists(new) || self.permits(old, new)
    }

    fn permits(&mut self, old: Option<&Event>, new: &Event) -> bool {
        let (old, new) = (old.map_or(0, bytes), bytes(new));
        let is_permitted = new <= old || self.bytes.saturating_add(new - old) <= self.bound;
        if !is_permitted {
            self.refused = self.refused.max(new);
        }
        is_permitted
    }

    /// Notes that the row's latest event was `old`, and is now `new`.
    pub(crate) fn replace(&mut self, old: Option<&Event>, new: Option<&Event>) {
        self.bytes = self.bytes.saturating_add(new.map_or(0, bytes)).saturating_sub(old.map_or(0, bytes));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.refused > 0
    }

    pub(crate) fn has_room(&self) -> bool {
        self.bytes.saturating_add(self.refused.max(self.bound / 16)) <= self.bound
    }

    pub(crate) fn forget_refused(&mut self) {
        self.refused = 0;
    }
}

fn bytes(event: &Event) -> usize {
    let length = |name: &Option<String>| name.as_ref().map_or(0, String::len);
    // The key is also the name of the row in the map.
    let names = length(&event.table) + 2 * length(&event.key) + event.topic.as_bytes().len();
    let value = match &event.value {
        Value::Nil => 0,
        Value::Text(text) => text.len(),
        Value::Other(packed) => packed.len(),
    };
    ROW_BYTES + names + value
}
