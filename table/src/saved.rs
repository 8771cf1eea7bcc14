//! The state that an application saves to continue after a restart: its table and its positions, in one file.
//!
//! Both are of one instant. Otherwise a restart would continue from a position that the table has not reached, and
//! silently miss the events between (docs/guarantees.md#f27, docs/guarantees.md#f28).
//!
//! ```
//! use pubsub_api::{Action, Event, SEND_ALL};
//! use std::{sync::Arc, time::Duration};
//! use table::{Table, saved::SavedState};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("agent-table");
//! assert_eq!(SavedState::read(&file)?, None, "no file is not an error");
//!
//! let mut table = Table::default();
//! table.apply(&Arc::new(Event::new("lport", "p1", Action::Create, "v1", SEND_ALL)));
//! SavedState { rows: table.dated().collect(), ..SavedState::default() }.write(&file)?;
//!
//! let saved = SavedState::read(&file)?.unwrap_or_default();
//! assert_eq!(Table::restored(Duration::ZERO, saved.rows).len(), 1);
//!
//! std::fs::write(&file, "not a table")?;
//! assert!(SavedState::read(&file).is_err(), "no part of such a file is used");
//! assert!(SavedState::set_aside(&file)?.ends_with("agent-table.refused"));
//! # Ok(())
//! # }
//! ```

mod decode;
mod encode;
mod file;
mod state;
mod summed;

pub use file::MOST_BYTES;
pub use state::SavedState;

#[cfg(test)]
mod tests;
