use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::limits::OPENED_LEASE;
use crate::Instance;

/// The instances that follow one stream.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct Followers {
    /// Those whose entry in the registry lists it.
    listed: BTreeSet<Instance>,
    /// Those that sent `Open` and whose entry does not list it yet, and until when they count.
    opened: BTreeMap<Instance, Duration>,
}

impl Followers {
    /// Whether nobody follows the stream.
    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.opened.is_empty()
    }

    /// Notes those whose entries list the stream now.
    pub(super) fn list(&mut self, listed: &BTreeSet<Instance>) {
        self.listed.clone_from(listed);
        self.opened.retain(|instance, _| !listed.contains(instance));
    }

    /// Notes an `Open`.
    pub(super) fn open(&mut self, now: Duration, instance: Instance) {
        if !self.listed.contains(&instance) {
            self.opened.insert(instance, now + OPENED_LEASE);
        }
    }

    /// Drops those whose entries did not follow their `Open` in time.
    pub(super) fn expire(&mut self, now: Duration) {
        self.opened.retain(|_, until| *until > now);
    }

    /// Moves its times into the past.
    #[cfg(test)]
    pub(super) fn age(&mut self, by: Duration) {
        self.opened.values_mut().for_each(|until| *until = until.saturating_sub(by));
    }

    /// When the first of them is to be dropped.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.opened.values().min().copied()
    }
}
