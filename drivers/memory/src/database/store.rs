use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use super::tables::Tables;
use crate::lock::lock;

/// A database of this process: all handles of the same name share it. It stays when all of them are closed.
#[derive(Debug, Default)]
pub(super) struct Store {
    tables: Mutex<Tables>,
    /// The number of calls that may have changed something.
    revision: watch::Sender<u64>,
}

impl Store {
    /// The database of this name; created empty if it does not exist.
    pub(super) fn named(name: &str) -> Arc<Self> {
        static STORES: Mutex<BTreeMap<String, Arc<Store>>> = Mutex::new(BTreeMap::new());
        Arc::clone(lock(&STORES).entry(name.to_owned()).or_default())
    }

    /// Announces that something may have changed; call it when the change can be read.
    pub(super) fn changed(&self) {
        self.revision.send_modify(|revision| *revision += 1);
    }

    /// The revisions that [`changed`](Self::changed) announces.
    pub(super) fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// The tables. Every call of the contract holds this lock once, so it is atomic.
    pub(super) fn tables(&self) -> MutexGuard<'_, Tables> {
        lock(&self.tables)
    }
}
