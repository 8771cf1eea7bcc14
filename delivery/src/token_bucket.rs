use std::time::Duration;

/// Limits the requests of one subscriber to one publisher: 32 at once, 20 a second on average. Time comes in as input.
///
/// Both ends use it. The subscriber observes the limit, so the publisher refuses nothing in ordinary operation. A subscriber
/// that is behind on 65,536 topics sends 328 requests of [`MAX_SYNC_ITEMS`](crate::MAX_SYNC_ITEMS) topics, which takes 15 s.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TokenBucket {
    /// When it will be full again.
    full_at: Duration,
}

/// The interval at which a token is added.
const REFILL: Duration = Duration::from_millis(50);

/// The most tokens.
const BURST: u32 = 32;

impl TokenBucket {
    /// A full bucket.
    pub(crate) fn new(now: Duration) -> Self {
        Self { full_at: now }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// The time until there is one again.
    pub(crate) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        self.take_of(1, now)
    }

    /// As [`take`](Self::take), of a bucket that has `times` as many tokens, which are added `times` as often.
    pub(crate) fn take_of(&mut self, times: u32, now: Duration) -> Result<(), Duration> {
        let full_at = self.full_at.max(now) + REFILL / times.max(1);
        let latest = now + REFILL * BURST;
        if full_at > latest {
            return Err(full_at - latest);
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Whether it is full.
    pub(crate) fn is_full(&self, now: Duration) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::TokenBucket;

    #[test]
    fn after_a_burst_twenty_a_second_are_left() {
        let mut bucket = TokenBucket::new(Duration::ZERO);
        let mut taken = |ms| bucket.take(Duration::from_millis(ms));
        assert_eq!((0..40).filter(|_| taken(0).is_ok()).count(), 32);
        assert_eq!(taken(20), Err(Duration::from_millis(30)));
        assert_eq!((taken(50), taken(50)), (Ok(()), Err(Duration::from_millis(50))));
        assert_eq!((0..40).filter(|_| taken(300).is_ok()).count(), 5);
        assert!(!bucket.is_full(Duration::from_millis(1899)) && bucket.is_full(Duration::from_millis(1900)));
    }
}
