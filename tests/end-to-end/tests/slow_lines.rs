//! Lines that carry little, and peers that read little: recovery takes as long as the line needs, and the delay is reported.
//!
//! With `LONG=1` a line carries as much, and as slowly, as in the reports that these tests come from.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

#[path = "slow_lines/agents.rs"]
mod agents;
#[path = "slow_lines/answers.rs"]
mod answers;
#[path = "slow_lines/late_events.rs"]
mod late_events;
#[path = "slow_lines/slow_askers.rs"]
mod slow_askers;
