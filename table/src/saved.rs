//! What an application keeps so that it can go on where it stopped: its table, and how far it is, in one file.
//!
//! The two are of one instant, or a restart would go on from a place that the table has not reached, and miss what lies
//! between without a word (docs/guarantees.md#f27, docs/guarantees.md#f28).

mod decode;
mod encode;
mod file;
mod state;
mod summed;

pub use file::MOST_BYTES;
pub use state::SavedState;

#[cfg(test)]
mod tests;
