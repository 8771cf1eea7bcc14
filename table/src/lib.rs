//! An agent's table: the latest event of each row, from any publisher, and the file in which it is saved
//! (docs/design.md#delivery).
//!
//! [`Table`] merges events that are live, from a replay, from a snapshot, and from a comparison with the database. It
//! has no clock and does no I/O: [`Table::tick`] sets the time. [`saved`] writes the table and the positions to one
//! file.

mod absences;
mod clocks;
mod comparison;
mod merge;
mod owners;
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
