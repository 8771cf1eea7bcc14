//! What the crate promises about addresses, tested with real processes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod directory;
mod in_time;
mod lock_file;
mod process;
mod tcp;
mod unix_claim;
mod unix_occupant;
