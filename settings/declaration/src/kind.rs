use std::time::Duration;

/// The values that a setting accepts. All bounds are inclusive.
///
/// The bounds are checked when settings are loaded. A value outside of them is an error at start that states the
/// bounds, never a silent correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer {
        /// The minimum.
        min: i64,
        /// The maximum; [`i64::MAX`] for any.
        max: i64,
    },
    /// Any text; it may be empty.
    Text,
    /// The path of a file, folder or socket; not empty.
    Path,
    /// A whole number with its unit: `"250ms"`, `"5s"`, `"2m"`, `"1h"`. A bare number is refused.
    Duration {
        /// The minimum.
        min: Duration,
        /// The maximum.
        max: Duration,
    },
    /// A number of bytes, plain or as `"512KiB"`, `"64MiB"`, `"1GiB"`.
    Bytes {
        /// The minimum.
        min: u64,
        /// The maximum; [`u64::MAX`] for any.
        max: u64,
    },
    /// A list of texts.
    List,
    /// A list of addresses that [`endpoint`](crate::endpoint()) accepts: `ip`, `ip:port`, `host` or `host:port`.
    Addresses,
    /// One of these words.
    Choice(&'static [&'static str]),
}
