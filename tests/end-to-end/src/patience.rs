use std::time::{Duration, Instant};

/// The deadline of every wait, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The interval at which conditions are polled.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits until `look` returns a value, and returns it; for conditions that are not in the output of a
/// [`Program`](crate::Program).
///
/// # Panics
/// After [`PATIENCE`], with `what`.
#[track_caller]
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look)
}

/// Like [`until`], with a patience of its own.
///
/// # Panics
/// After `patience`, with `what`.
#[track_caller]
pub fn within<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        #[expect(clippy::disallowed_methods, reason = "the wait helper itself")]
        std::thread::sleep(LOOK_EVERY);
    }
}
