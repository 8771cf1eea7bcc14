use events::wire::RowSpan;

/// Where the rows of a batch's events are, by the index of the event. What is beyond its end is not known.
#[derive(Debug, Clone, Default)]
pub(super) struct NotedRows(Vec<Option<RowSpan>>);

impl NotedRows {
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<RowSpan> {
        self.0.get(index).copied().flatten()
    }

    /// Notes the row of an event, after which nothing is known.
    pub(super) fn set_last(&mut self, index: usize, row: Option<RowSpan>) {
        if row.is_some() {
            self.0.resize(index, None);
            self.0.push(row);
        }
    }

    /// Notes the rows of `other`'s events from `taken` on, which come behind `events` events.
    pub(super) fn append(&mut self, events: usize, other: &Self, taken: usize) {
        if let Some(rows) = other.0.get(taken..).filter(|rows| !rows.is_empty()) {
            self.0.resize(events, None);
            self.0.extend_from_slice(rows);
        }
    }

    /// Makes room for a row for each of this number of events, after `taken` events were removed at the beginning.
    pub(super) fn begin_edit(&mut self, taken: usize, events: usize) {
        self.0.drain(..taken.min(self.0.len()));
        self.0.resize(events, None);
    }

    /// Notes the row of an event that has this index from now on.
    #[inline]
    pub(super) fn put(&mut self, index: usize, row: Option<RowSpan>) {
        if let Some(place) = self.0.get_mut(index) {
            *place = row;
        }
    }

    /// Only this number of events is left.
    pub(super) fn end_edit(&mut self, events: usize) {
        self.0.truncate(events);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
