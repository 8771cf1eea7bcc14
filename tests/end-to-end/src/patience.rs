use std::time::{Duration, Instant};

/// How long anything that is promised is waited for, on a machine however busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often a condition that nobody announces is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits until `look` finds something, and gives it; for conditions that no [`Program`](crate::Program) writes out.
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
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}
