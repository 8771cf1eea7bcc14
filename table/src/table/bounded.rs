use pubsub_api::Event;

use super::Table;

/// The memory of the rows, and its bound.
impl Table {
    /// Sets the bound of [`bytes`](Self::bytes). Rows that are above a lower bound stay.
    ///
    /// A table without a bound refuses nothing.
    ///
    /// ```
    /// use delivery::subscriber::DeliveryMode;
    /// use pubsub_api::{Action, Event, SEND_ALL};
    /// use std::sync::Arc;
    /// use table::{Merge, Table};
    ///
    /// let event = |key: &str, action| Arc::new(Event::new("lport", key, action, "x".repeat(100), SEND_ALL));
    /// let mut table = Table::default();
    /// table.set_bound(1000);
    /// assert_eq!(table.merge(&event("p1", Action::Create), DeliveryMode::Live), Merge::Applied);
    /// assert_eq!(table.merge(&event("p2", Action::Create), DeliveryMode::Live), Merge::Refused);
    /// assert!(table.get("lport", "p2").is_none() && !table.has_room());
    ///
    /// table.set_bound(10_000);
    /// assert!(table.has_room(), "now what was refused can be requested again");
    /// assert_eq!(table.merge(&event("p2", Action::Create), DeliveryMode::Live), Merge::Applied);
    /// ```
    pub fn set_bound(&mut self, bytes: usize) {
        self.room.set_bound(bytes);
    }

    /// Returns the bound, in bytes; `usize::MAX` if there is none.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.room.bound()
    }

    /// Returns about how much memory the rows and the remembered deletes use, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.room.bytes()
    }

    /// Returns whether there is room for the largest refused event, and for a sixteenth of the bound at least: what was
    /// refused can be requested again.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.room.has_room()
    }

    /// Returns whether an event was refused since the last [`forget_refused`](Self::forget_refused).
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.room.is_full()
    }

    /// Forgets that events were refused: the caller requests them again.
    pub fn forget_refused(&mut self) {
        self.room.forget_refused();
    }

    /// Returns whether the bound permits `event` as the latest one of its row, and notes it if not.
    pub(super) fn fits(&mut self, table: &str, key: &str, event: &Event) -> bool {
        let old = self.latest.get(table).and_then(|rows| rows.get(key)).map(|row| &*row.event);
        self.room.fits(old, event)
    }
}
