use std::time::Duration;

/// Delays between attempts to connect to a peer: doubling ceilings with full jitter, 0.1 s to 5 s.
///
/// Full jitter draws each delay evenly between the shortest delay and the ceiling, so that a thousand agents that lost
/// one publisher at the same time do not reconnect at the same time (docs/guarantees.md#f40). The caller supplies the
/// random number.
///
/// ```
/// use pubsub_api::Backoff;
///
/// let mut backoff = Backoff::default();
/// assert_eq!(backoff.next_delay(0.0), Backoff::SHORTEST);
/// for _ in 0..10 {
///     backoff.next_delay(0.5);
/// }
/// assert_eq!(backoff.next_delay(1.0), Backoff::LONGEST);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The shortest delay.
    pub const SHORTEST: Duration = Duration::from_millis(100);
    /// The longest delay.
    pub const LONGEST: Duration = Duration::from_secs(5);

    /// Returns the next delay, for a `random` number evenly drawn from 0 to 1.
    ///
    /// The delay is at least [`SHORTEST`](Self::SHORTEST) and at most [`LONGEST`](Self::LONGEST); a `random` outside of
    /// 0 to 1 counts as the nearest of the two. The ceilings are 0.2, 0.4, 0.8, 1.6, 3.2 and then 5 s.
    pub fn next_delay(&mut self, random: f64) -> Duration {
        let doubled = Self::SHORTEST.saturating_mul(2_u32.saturating_pow(self.attempts.saturating_add(1)));
        self.attempts = self.attempts.saturating_add(1);
        let ceiling = doubled.min(Self::LONGEST);
        Self::SHORTEST + (ceiling - Self::SHORTEST).mul_f64(random.clamp(0.0, 1.0))
    }

    /// Starts again from the shortest ceiling: the peer has answered.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}
