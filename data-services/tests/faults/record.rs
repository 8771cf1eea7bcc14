use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::call_log::CallLog;
use crate::truth::Truth;

/// What happened in a history, as an observer outside the network sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record(Arc<Mutex<Events>>);

#[derive(Debug, Default)]
pub(crate) struct Events {
    /// What each node published, by node and table.
    pub(crate) truths: BTreeMap<(String, &'static str), Truth>,
    pub(crate) calls: CallLog,
    /// The hooks of each start of a service, by node, start and table: `true` for the first subscriber, `false` for none.
    pub(crate) hooks: BTreeMap<(String, u64, String), Vec<bool>>,
    /// What the validators found.
    pub(crate) violations: Vec<String>,
    /// The number of events that subscriptions delivered.
    pub(crate) delivered: u64,
}

impl Record {
    /// Nothing awaits while it holds this.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Events> {
        self.0.lock().unwrap()
    }
}

impl Events {
    pub(crate) fn truth(&mut self, node: &str, table: &'static str) -> &mut Truth {
        self.truths.entry((node.to_owned(), table)).or_default()
    }
}
