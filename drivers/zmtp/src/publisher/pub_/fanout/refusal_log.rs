use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::protocol::curve::PublicKey;

/// Decides which refused subscriptions are logged: each of an agent once, and at most [`BURST`] lines at once and one in
/// [`REFILL`].
#[derive(Debug, Default)]
pub(super) struct RefusalLog {
    state: Mutex<State>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct State {
    /// The hashes of what was logged: an agent, and a subscription.
    logged: HashSet<u64>,
    /// When a whole burst may be logged again.
    full_at: Option<Instant>,
    /// New refusals that were not logged.
    left_out: u64,
}

/// The most that are remembered; beyond, all are forgotten, and may be logged again.
const MAX_LOGGED: usize = 8192;

const BURST: u32 = 32;
const REFILL: Duration = Duration::from_secs(1);

impl RefusalLog {
    /// Whether a line is due about a refused subscription of an agent: then with the number of others that were left out since the
    /// last line.
    pub(super) fn note(&self, agent: Option<&PublicKey>, subscription: &[u8], now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = self.hasher.hash_one((agent, subscription));
        if state.logged.contains(&hash) {
            return None;
        }
        let full_at = state.full_at.unwrap_or(now).max(now) + REFILL;
        if full_at > now + REFILL * BURST {
            state.left_out += 1;
            return None;
        }
        if state.logged.len() >= MAX_LOGGED {
            state.logged.clear();
        }
        state.logged.insert(hash);
        state.full_at = Some(full_at);
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{BURST, MAX_LOGGED, REFILL, RefusalLog};
    use crate::protocol::curve::SecretKey;

    #[test]
    fn each_refusal_of_an_agent_is_logged_once() {
        let (log, now) = (RefusalLog::default(), Instant::now());
        let [one, other] = [(); 2].map(|()| SecretKey::generate().unwrap().public());
        assert_eq!(log.note(Some(&one), b"a", now), Some(0));
        assert_eq!(log.note(Some(&one), b"a", now + REFILL * 60), None);
        assert_eq!(log.note(Some(&one), b"b", now), Some(0));
        assert_eq!(log.note(Some(&other), b"a", now), Some(0));
    }

    #[test]
    fn lines_and_memory_are_bounded() {
        let (log, start) = (RefusalLog::default(), Instant::now());
        let lines =
            (0..100_000_u32).filter_map(|number| log.note(None, &number.to_be_bytes(), start)).count();
        assert_eq!(lines, BURST as usize);
        assert_eq!(log.note(None, b"later", start + REFILL), Some(100_000 - u64::from(BURST)));
        for second in 2..20_000_u32 {
            log.note(None, format!("at {second}").as_bytes(), start + REFILL * second);
        }
        assert!(log.state.lock().unwrap().logged.len() <= MAX_LOGGED);
    }
}
