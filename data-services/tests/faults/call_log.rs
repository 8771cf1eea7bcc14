use std::collections::BTreeMap;
use std::time::Duration;

use data_services::CallErrorKind;

/// How a call ended for its caller.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) outcome: Result<u64, CallErrorKind>,
    pub(crate) after: Duration,
    pub(crate) deadline: Duration,
}

/// The calls of a history.
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    started: u64,
    /// The number of times that each call ran.
    pub(crate) runs: BTreeMap<u64, usize>,
    /// The outcomes of each call.
    pub(crate) ended: BTreeMap<u64, Vec<Ended>>,
    /// The calls whose future was dropped: they have no outcome.
    pub(crate) dropped: u64,
}

impl CallLog {
    /// A call is about to be made; returns its number.
    pub(crate) fn start(&mut self) -> u64 {
        self.started += 1;
        self.started
    }

    pub(crate) fn ran(&mut self, call: u64) {
        *self.runs.entry(call).or_default() += 1;
    }

    pub(crate) fn end(&mut self, call: u64, ended: Ended) {
        self.ended.entry(call).or_default().push(ended);
    }

    /// The number of calls that were made and have not ended.
    pub(crate) fn open(&self) -> u64 {
        self.started - self.dropped - self.ended.len() as u64
    }
}
