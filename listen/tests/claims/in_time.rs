use std::time::{Duration, Instant};

/// The number of attempts.
pub(crate) const ATTEMPTS: usize = 5;

/// Repeats `attempt` until one takes less than `limit`: other programs may delay an attempt, but not all of them.
///
/// # Panics
/// If [`ATTEMPTS`] attempts take longer.
#[track_caller]
pub(crate) fn in_time<T>(limit: Duration, mut attempt: impl FnMut() -> T) -> T {
    let mut took = Vec::new();
    for _ in 0..ATTEMPTS {
        let start = Instant::now();
        let result = attempt();
        took.push(start.elapsed());
        if took.last() < Some(&limit) {
            return result;
        }
    }
    panic!("no attempt took less than {limit:?}: {took:?}");
}
