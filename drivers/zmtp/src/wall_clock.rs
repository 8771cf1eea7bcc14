use std::time::SystemTime;

/// The time of the clock on the wall, by which keys expire.
#[expect(clippy::disallowed_methods, reason = "an operator writes the expiry of a key as a date")]
pub(crate) fn wall_clock() -> SystemTime {
    SystemTime::now()
}
