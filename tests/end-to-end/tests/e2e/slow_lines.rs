//! Lines that carry little, and peers that read little: recovery takes as long as the line needs, and the delay is reported.
//!
//! With `LONG=1` a line carries as much, and as slowly, as in the reports that these tests come from.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

mod agents;
mod answers;
mod late_events;
mod slow_askers;
