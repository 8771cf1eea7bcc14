use std::collections::BTreeMap;
use std::fmt;

use crate::{Instance, SubscribingNode, TableId};

/// The longest reason for which a subscriber is refused, in bytes.
const MAX_REASON_BYTES: usize = 200;

/// The hook that decides about subscribers.
pub(crate) type AdmissionHook = Box<dyn FnMut(&SubscribingNode) -> Result<(), String> + Send>;

/// The decisions of a service about its subscribers, each made once for as long as the node subscribes.
pub(crate) struct Admission {
    hook: AdmissionHook,
    decisions: BTreeMap<(TableId, Instance), Result<(), String>>,
}

impl Admission {
    pub(crate) fn new(hook: AdmissionHook) -> Self {
        Self { hook, decisions: BTreeMap::new() }
    }

    /// Returns the decision about a subscriber.
    ///
    /// # Errors
    /// Why the service refuses it.
    pub(crate) fn admit(&mut self, subscriber: SubscribingNode) -> Result<(), String> {
        let key = (subscriber.table.clone(), subscriber.node.instance);
        let hook = &mut self.hook;
        let decide = || hook(&subscriber).map_err(shortened);
        self.decisions.entry(key).or_insert_with(decide).clone()
    }

    /// Forgets the subscribers of a table that are gone.
    pub(crate) fn keep(&mut self, table: &TableId, is_there: impl Fn(&Instance) -> bool) {
        self.decisions.retain(|(of, instance), _| of != table || is_there(instance));
    }
}

fn shortened(mut reason: String) -> String {
    let end = (0..=MAX_REASON_BYTES).rev().find(|end| reason.is_char_boundary(*end));
    reason.truncate(end.unwrap_or_default());
    reason
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("decisions", &self.decisions).finish_non_exhaustive()
    }
}
