use std::time::{SystemTime, UNIX_EPOCH};

/// The time of the wall clock, in microseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "stamps have wall-clock times, which subscribers on other hosts read"
)]
pub(crate) fn wall_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
