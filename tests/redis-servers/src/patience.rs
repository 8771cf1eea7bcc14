use std::time::{Duration, Instant};

/// Time limit for everything that a test expects, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Interval between two checks of a condition.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits until `look` finds something, and returns it.
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
        assert!(Instant::now() < deadline, "timed out after {PATIENCE:?}: {what}");
        #[expect(clippy::disallowed_methods, reason = "the wait helper itself")]
        std::thread::sleep(LOOK_EVERY);
    }
}
