//! The state that an application saves to continue after a restart: its table and its positions, in one file.
//!
//! Both are of one instant. Otherwise a restart would continue from a position that the table has not reached, and
//! silently miss the events between (docs/guarantees.md#f27, docs/guarantees.md#f28).

mod decode;
mod encode;
mod file;
mod state;
mod summed;

pub use file::MOST_BYTES;
pub use state::SavedState;

#[cfg(test)]
mod tests;
