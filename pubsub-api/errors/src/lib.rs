//! The one error type of Skimmer. `pubsub-api` re-exports it; only the crates below it name this crate.

mod error;

pub use error::{Error, ErrorKind, Result};
