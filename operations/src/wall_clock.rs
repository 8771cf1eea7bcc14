use std::time::{SystemTime, UNIX_EPOCH};

/// The time in milliseconds since 1970, for people and for browsers.
#[expect(clippy::disallowed_methods, reason = "browsers on other hosts show it as a time of day")]
pub(crate) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
