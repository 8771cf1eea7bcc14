use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since 1970 on the wall clock of this host.
#[expect(
    clippy::disallowed_methods,
    reason = "it is compared with stamps of other hosts, which have wall-clock times"
)]
pub(crate) fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The same in microseconds.
pub(crate) fn wall_us() -> u64 {
    u64::try_from(wall().as_micros()).unwrap_or(u64::MAX)
}
