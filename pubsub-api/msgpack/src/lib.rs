//! Packed msgpack values, read and grown in place: no recursion, no allocation, no trust in announced lengths.
//!
//! A [`Reader`] reads the [`Head`] of each value, or skips whole values; [`find`] returns one value of a map. A
//! [`GrownMap`] gets more pairs without being packed again. Whatever the bytes are, the outcome is a value or
//! [`Malformed`]. The crate knows no key: what a map must contain is decided by its caller, `pubsub-api`.
//!
//! ```
//! use msgpack::{Head, Malformed, Reader, append_pairs, find};
//!
//! let map = b"\x82\xa3key\xa6port-1\xa5value\xc0";
//! assert_eq!(find(map, b"key"), Some(&b"\xa6port-1"[..]), "the packed value, not the text");
//!
//! let mut grown = Vec::new();
//! append_pairs(map, 1, b"\xa7version\x07", &mut grown)?;
//! let mut version = Reader::new(find(&grown, b"version").unwrap_or_default());
//! assert_eq!(version.head(), Ok(Head::Unsigned(7)));
//!
//! // A text of 32 bits that announces 4 GiB: nothing is allocated for it.
//! assert_eq!(Reader::new(b"\xdb\xff\xff\xff\xff").head(), Err(Malformed::Truncated));
//! # Ok::<(), Malformed>(())
//! ```

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
