//! An agent's table: the latest event of each row, whoever published it, and what is saved of it (docs/design.md#delivery).
//!
//! [`Table`] merges what comes live, in a replay, in a snapshot, and out of a comparison with the database. It has no clock and
//! does no I/O: the time comes in by [`Table::tick`]. [`saved`] writes the table and the positions to one file.

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
