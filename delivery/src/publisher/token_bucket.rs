use std::time::Duration;

/// How often one asker may ask: 32 times at once, four times a second on average. Time comes in as input.
///
/// Four a second serve a subscriber of 200 topics and more in each request that asks again at every tick; 32 at once are
/// the 4,096 topics that it may have, and half as much again.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenBucket {
    /// When it will be full again.
    full_at: Duration,
}

/// One more may be asked for after so long.
const REFILL: Duration = Duration::from_millis(250);

/// So many at once.
const BURST: u32 = 32;

impl TokenBucket {
    /// A full one.
    pub(super) fn new(now: Duration) -> Self {
        Self { full_at: now }
    }

    /// Takes one.
    ///
    /// # Errors
    /// After how long there will be one again.
    pub(super) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let full_at = self.full_at.max(now) + REFILL;
        let latest = now + REFILL * BURST;
        if full_at > latest {
            return Err(full_at - latest);
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Whether it is as if it had never been used.
    pub(super) fn is_full(&self, now: Duration) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::TokenBucket;

    #[test]
    fn after_a_burst_four_a_second_are_left() {
        let mut bucket = TokenBucket::new(Duration::ZERO);
        let mut taken = |ms| bucket.take(Duration::from_millis(ms));
        assert_eq!((0..40).filter(|_| taken(0).is_ok()).count(), 32);
        assert_eq!(taken(100), Err(Duration::from_millis(150)));
        assert_eq!((taken(250), taken(250)), (Ok(()), Err(Duration::from_millis(250))));
        assert_eq!((0..40).filter(|_| taken(1500).is_ok()).count(), 5);
        assert!(!bucket.is_full(Duration::from_millis(9499)) && bucket.is_full(Duration::from_millis(9500)));
    }
}
