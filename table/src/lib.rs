//! An agent's table: the latest event of each row, from any publisher, and the file in which it is saved
//! (docs/design.md#delivery).
//!
//! [`Table`] merges events that are live, from a replay, from a snapshot, and from a comparison with the database. It
//! has no clock and does no I/O: [`Table::tick`] sets the time. [`saved`] writes the table and the positions to one
//! file.
//!
//! ```
//! use delivery::subscriber::DeliveryMode;
//! use pubsub_api::{Action, Event, SEND_ALL, Stamp};
//! use std::sync::Arc;
//! use table::{Merge, Table};
//!
//! let event = |sequence, version| {
//!     let stamp = Stamp { publisher: 7, epoch: 1, sequence, time_us: 0 };
//!     let event = Event::new("lport", "p1", Action::Set, format!("v{version}"), SEND_ALL);
//!     Arc::new(Event { stamp: Some(stamp), version: Some(version), ..event })
//! };
//! let mut table = Table::default();
//! assert_eq!(table.merge(&event(1, 2), DeliveryMode::Live), Merge::Applied);
//! assert_eq!(table.merge(&event(1, 2), DeliveryMode::Replay), Merge::Known);
//! // Two workers changed the row, and published in another order than they wrote.
//! assert_eq!(table.merge(&event(2, 1), DeliveryMode::Live), Merge::Superseded);
//! assert_eq!(table.get("lport", "p1").map(|row| row.value.clone()), Some("v2".into()));
//! ```

mod absences;
mod clocks;
mod comparison;
mod merge;
mod owners;
mod room;
mod row;
mod same_event;
mod table;
mod tombstones;

pub mod saved;

pub use absences::{AbsenceRule, Absences, Absent, Judged};
pub use merge::Merge;
pub use table::{Compared, DATABASE, DatabaseRow, DatedEvent, Differences, Table};

#[cfg(test)]
mod tests;
