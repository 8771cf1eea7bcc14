use std::time::{SystemTime, UNIX_EPOCH};

/// The time in milliseconds since 1970, for statuses that people and other hosts read.
#[expect(clippy::disallowed_methods, reason = "other hosts read this time")]
pub(crate) fn unix_milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
