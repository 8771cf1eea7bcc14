//! Full sync: an agent has the rows of the northbound database, whatever it has missed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends where an expectation fails"
)]

mod database;

mod agents;
mod asking;
mod deletes;
mod publishers;
