use std::time::Duration;

use serde_json::Value as Json;

use crate::calls::tests::pair::secs;
use crate::{CallError, CallErrorKind};

/// A call and what happened to it.
#[derive(Debug)]
pub(super) struct CallRecord {
    begun: Duration,
    limit: Duration,
    /// How long its method runs.
    pub(super) work: Duration,
    is_cancelled: bool,
    /// How often its method was started.
    pub(super) runs: u32,
    pub(super) ends: Vec<(Duration, Result<Json, CallError>)>,
}

impl CallRecord {
    pub(super) fn new(begun: Duration, limit: Duration, work: Duration, is_cancelled: bool) -> Self {
        Self { begun, limit, work, is_cancelled, runs: 0, ends: Vec::new() }
    }

    /// Checks what is promised of every call.
    pub(super) fn check(&self, name: &str, value: &Json) {
        let Self { begun, limit, runs, ends, .. } = self;
        assert!(*runs <= 1, "{name}: it ran {runs} times");
        let [(ended, result)] = ends.as_slice() else {
            panic!("{name}: it has {} ends: {ends:?}", ends.len());
        };
        assert!(*ended <= *begun + *limit, "{name}: it ended after its deadline");
        match result {
            Ok(result) => assert_eq!((*runs, result), (1, value), "{name}: it succeeded"),
            Err(error) => {
                assert!(*runs == 0 || error.may_have_run(), "{name}: it ran, and failed with {error}");
                assert_ne!(error.kind(), CallErrorKind::Remote, "{name}: no method fails: {error}");
            }
        }
    }

    /// Checks what is promised of a call with a key, which has run so often in all.
    pub(super) fn check_keyed(&self, name: &str, runs: u32, value: &Json) {
        assert!(runs <= 1, "{name}: its key ran {runs} times");
        let [(ended, result)] = self.ends.as_slice() else {
            panic!("{name}: it has {} ends: {:?}", self.ends.len(), self.ends);
        };
        assert!(*ended <= self.begun + self.limit, "{name}: it ended after its deadline");
        if let Ok(result) = result {
            assert_eq!((runs, result), (1, value), "{name}: it succeeded");
        }
    }

    /// Whether it had 14 s beyond the work of its method and was not cancelled.
    pub(super) fn is_patient(&self) -> bool {
        !self.is_cancelled && self.limit >= self.work + secs(14)
    }

    pub(super) fn has_succeeded(&self) -> bool {
        matches!(self.ends.as_slice(), [(_, Ok(_))])
    }
}
