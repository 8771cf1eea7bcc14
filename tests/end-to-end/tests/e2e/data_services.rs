//! Nodes of the data services engine as processes, and the commands of `skimmer dse` at them: on zmtp, and on Redis.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

mod scene;

mod call_options;
mod checking;
mod commands;
mod demo;
mod example;
mod failures;
mod membership;
mod reload;
mod standby;
mod strangers;
