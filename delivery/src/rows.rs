//! The latest event of each row, whoever published it: many publishers, one row (docs/design.md#delivery).
//!
//! No clock and no I/O: what the time is comes in by [`Table::tick`].

mod absences;
mod clocks;
mod comparison;
mod differences;
mod merge;
mod owners;
mod table;
mod tombstones;

pub use absences::{AbsenceRule, Absences, Absent, Judged};
pub use comparison::{Compared, DATABASE, DatabaseRow};
pub use differences::Differences;
pub use merge::Merge;
pub use table::{DatedEvent, Table};

#[cfg(test)]
mod comparisons;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod tests;
