//! Rows on disk: the latest event of each row whose event has left the ring, in one file beside the ring (`rows`), so that
//! snapshots survive a restart (docs/decisions/0012-rows-on-disk.md).
//!
//! The file has the rows as they were at some time (the base), and after them what was retained of each segment of the ring
//! before that was removed. It is written anew when that is more than the base. The thread that reads the ring for
//! snapshots writes it, in steps of at most [`STEP_BYTES`], after it has read the segments.
//!
//! Every record is true by itself: with everything before it, it has the latest event of each row, of the topics that it
//! names, as of the beginning of a segment. The ring has the events from there on. So the rest of the file may be missing: a file
//! whose last record reaches the first segment of the ring makes the rows complete, and any other is refused.

mod compaction_metrics;
mod compactor;
mod load;
mod open_rows;
mod rewrite;
mod ring_view;
mod rows_file;
mod rows_reader;
mod rows_record;
mod rows_refusal;
mod segment_scan;

pub(super) use compaction_metrics::CompactionMetrics;
pub(super) use compactor::Compactor;
pub(super) use open_rows::{OpenedRows, open};

/// The most bytes of the ring that are read, and about the most bytes of rows that are written, in one step. Tests have more steps.
const STEP_BYTES: usize = if cfg!(test) { 700 } else { 256 * 1024 };

#[cfg(test)]
mod tests;
