use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use super::tables::Tables;
use crate::lock::lock;

/// A database of this process: whoever opens the same name meets here. It stays when all have closed it.
#[derive(Debug, Default)]
pub(super) struct Store {
    tables: Mutex<Tables>,
    /// Counts the calls that may have changed something.
    revision: watch::Sender<u64>,
}

impl Store {
    /// The database called `name`, an empty one if there is none.
    pub(super) fn named(name: &str) -> Arc<Self> {
        static STORES: Mutex<BTreeMap<String, Arc<Store>>> = Mutex::new(BTreeMap::new());
        Arc::clone(lock(&STORES).entry(name.to_owned()).or_default())
    }

    /// Something may have changed: told when it can be read.
    pub(super) fn changed(&self) {
        self.revision.send_modify(|revision| *revision += 1);
    }

    /// What is counted there.
    pub(super) fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Its tables. Every call of the contract is one lock, so that it is done in one step.
    pub(super) fn tables(&self) -> MutexGuard<'_, Tables> {
        lock(&self.tables)
    }
}
