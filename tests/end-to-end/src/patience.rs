use std::time::{Duration, Instant};

/// The deadline of every wait, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The interval at which conditions are polled.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits until `look` returns a value, and returns it; for conditions that are not in the output of a
/// [`Program`](crate::Program).
///
/// # Panics
/// After [`PATIENCE`], with `what`.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}
