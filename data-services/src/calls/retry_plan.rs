use std::time::Duration;

use crate::{CallError, CallErrorKind};

/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// When a call that is retried is called again.
#[derive(Debug)]
pub(crate) struct RetryPlan {
    deadline: Duration,
    attempts: u32,
    may_have_run: bool,
}

/// What follows a failed attempt.
#[derive(Debug, PartialEq)]
pub(crate) enum RetryNext {
    /// Another attempt at this time.
    At(Duration),
    /// The call ends with this error.
    End(CallError),
}

impl RetryPlan {
    /// For a call that ends at `deadline`.
    pub(crate) fn new(deadline: Duration) -> Self {
        Self { deadline, attempts: 0, may_have_run: false }
    }

    /// The time that is left.
    pub(crate) fn remaining(&self, now: Duration) -> Duration {
        self.deadline.saturating_sub(now)
    }

    /// An attempt has failed.
    pub(crate) fn failed(&mut self, now: Duration, error: CallError) -> RetryNext {
        self.attempts += 1;
        self.may_have_run |= error.may_have_run();
        let pause = FIRST_PAUSE.saturating_mul(1 << (self.attempts - 1).min(8)).min(LONGEST_PAUSE);
        let may_have_run = self.may_have_run;
        if !is_passing(error.kind()) {
            return RetryNext::End(error.with_may_have_run(may_have_run));
        }
        if now + pause < self.deadline {
            return RetryNext::At(now + pause);
        }
        let text = format!("{} attempts failed until the deadline, the last one: {error}", self.attempts);
        RetryNext::End(CallError::new(error.kind(), text).with_may_have_run(may_have_run))
    }
}

/// Whether another attempt may succeed.
fn is_passing(kind: CallErrorKind) -> bool {
    matches!(
        kind,
        CallErrorKind::NoService
            | CallErrorKind::Timeout
            | CallErrorKind::PeerLost
            | CallErrorKind::Draining
            | CallErrorKind::Overloaded
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{RetryNext, RetryPlan};
    use crate::{CallError, CallErrorKind};

    fn lost() -> CallError {
        CallError::new(CallErrorKind::PeerLost, "the node was lost")
    }

    fn draining() -> CallError {
        CallError::new(CallErrorKind::Draining, "the service stops")
    }

    #[test]
    fn the_pauses_double_up_to_two_seconds_and_end_at_the_deadline() {
        let mut plan = RetryPlan::new(Duration::from_secs(10));
        let (mut now, mut pauses) = (Duration::ZERO, Vec::new());
        let end = loop {
            match plan.failed(now, draining()) {
                RetryNext::At(at) => pauses.push(std::mem::replace(&mut now, at).abs_diff(at).as_millis()),
                RetryNext::End(error) => break error,
            }
        };
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 2000, 2000, 2000]);
        assert_eq!((end.kind(), end.may_have_run()), (CallErrorKind::Draining, false));
        assert!(end.to_string().starts_with("9 attempts failed"), "{end}");
    }

    #[test]
    fn an_error_that_another_attempt_does_not_change_ends_the_call() {
        for kind in [CallErrorKind::Remote, CallErrorKind::Denied, CallErrorKind::BadArguments] {
            let mut plan = RetryPlan::new(Duration::from_secs(10));
            let error = CallError::new(kind, "it is so");
            assert_eq!(plan.failed(Duration::ZERO, error.clone()), RetryNext::End(error));
        }
    }

    #[test]
    fn a_call_that_may_have_run_at_one_attempt_may_have_run() {
        let mut plan = RetryPlan::new(Duration::from_secs(1));
        assert!(matches!(plan.failed(Duration::ZERO, lost()), RetryNext::At(_)));
        let RetryNext::End(error) = plan.failed(Duration::from_secs(1), draining()) else {
            panic!("retried")
        };
        assert!(error.may_have_run());
    }
}
