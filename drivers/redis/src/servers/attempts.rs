use std::time::Duration;

use pubsub_api::{Error, ErrorKind};
use tokio::time::Instant;

/// The first pause before a retry; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause; it limits the time until a fail-over is noticed.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// The failed attempts of one call.
#[derive(Debug)]
pub(super) struct Attempts {
    deadline: Instant,
    count: u32,
    last: Error,
    /// The latest reason that is not that of the last attempt.
    earlier: Option<String>,
}

impl Attempts {
    /// No attempt yet.
    pub(super) fn until(deadline: Instant) -> Self {
        Self { deadline, count: 0, last: Error::new(ErrorKind::Unavailable, ""), earlier: None }
    }

    /// The end of the call's time.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Adds a failed attempt.
    pub(super) fn failed(&mut self, why: Error) {
        let last = std::mem::replace(&mut self.last, why).to_string();
        if self.count > 0 && last != self.last.to_string() {
            self.earlier = Some(last);
        }
        self.count += 1;
    }

    /// The pause before the next attempt; `None` if it ends after the deadline.
    pub(super) fn pause(&self) -> Option<Duration> {
        let doublings = self.count.saturating_sub(1).min(8);
        // Jitter, so that callers that failed together do not retry together.
        let pause =
            LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.pow(doublings)).mul_f64(0.5 + fastrand::f64() / 2.0);
        (Instant::now() + pause < self.deadline).then_some(pause)
    }

    /// The error of the last attempt. If an attempt before it failed for another reason, the text names that reason too: the
    /// last attempt may only have run out of time.
    pub(super) fn error(&self) -> Error {
        let earlier = self.earlier.iter().map(|earlier| format!("; an earlier attempt failed: {earlier}"));
        Error::new(self.last.kind(), format!("{}{}", self.last, earlier.collect::<String>()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pubsub_api::{Error, ErrorKind};
    use tokio::time::Instant;

    use super::Attempts;

    fn text_after(reasons: &[&str]) -> String {
        let mut attempts = Attempts::until(Instant::now() + Duration::from_secs(60));
        for reason in reasons {
            attempts.failed(Error::new(ErrorKind::Unavailable, *reason));
        }
        attempts.error().to_string()
    }

    #[test]
    fn the_error_names_the_last_two_reasons_that_differ() {
        assert_eq!(text_after(&["loading"]), "loading");
        assert_eq!(text_after(&["loading", "loading"]), "loading");
        let both = "no answer; an earlier attempt failed: loading";
        assert_eq!(text_after(&["refused", "loading", "no answer"]), both);
        assert_eq!(text_after(&["loading", "no answer", "no answer"]), both);
        assert_eq!(text_after(&["no answer", "loading", "no answer"]), both);
    }

    #[test]
    fn there_is_no_pause_that_ends_after_the_deadline() {
        let mut attempts = Attempts::until(Instant::now());
        attempts.failed(Error::new(ErrorKind::Unavailable, "loading"));
        assert_eq!(attempts.pause(), None);
    }
}
