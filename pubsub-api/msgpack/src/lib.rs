//! Packed msgpack values, read and grown in place: no recursion, no allocation, no trust in announced lengths.
//!
//! A [`Reader`] reads the [`Head`] of each value, or skips whole values; [`find`] returns one value of a map. A
//! [`GrownMap`] gets more pairs without being packed again. Whatever the bytes are, the outcome is a value or
//! [`Malformed`]. The crate knows no key: what a map must contain is decided by its caller, `pubsub-api`.

mod find;
mod grow;
mod malformed;
mod open;
mod reader;

pub use find::{find, is_one_value};
pub use grow::{GrownMap, append_pairs};
pub use malformed::Malformed;
pub use reader::{Head, Reader, utf8};

/// The maximum nesting depth of arrays and maps in a value: half of 128, where JSON readers commonly stop.
pub const MAX_DEPTH: usize = 64;
