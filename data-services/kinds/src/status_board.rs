use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use data_services::{NodeId, ServiceHandle, TableId};
use pubsub_api::Result;

use crate::ServiceStatus;
use crate::wall_clock::unix_milliseconds;

/// The number of errors that a status names; the others are counted.
const MOST_ERRORS: usize = 10;

/// The status of a service, between the code that runs it and its method `status`. Clones are the same board.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatusBoard(Arc<Board>);

#[derive(Debug, Default)]
struct Board {
    facts: Mutex<Facts>,
    service: OnceLock<ServiceHandle>,
}

#[derive(Debug, Clone, Default)]
struct Facts {
    number_of_updates: u64,
    last_updated: Option<u64>,
    last_error: Option<String>,
    number_of_errors: u64,
}

impl StatusBoard {
    /// The service runs, and its subscribers can be found.
    pub(crate) fn attach(&self, service: &ServiceHandle) {
        // A second run has a board of its own.
        let _ = self.0.service.set(service.clone());
    }

    /// Something was published, maybe with errors beside it.
    pub(crate) fn updated(&self, errors: &[String]) {
        let mut facts = self.facts();
        facts.number_of_updates += 1;
        facts.last_updated = Some(unix_milliseconds());
        facts.set_errors(errors);
    }

    /// Nothing was published.
    pub(crate) fn failed(&self, error: impl ToString) {
        self.facts().set_errors(&[error.to_string()]);
    }

    /// Returns the status.
    pub(crate) async fn report(&self) -> Result<ServiceStatus> {
        let subscribers = match self.0.service.get() {
            Some(service) => subscribers(service).await?,
            None => BTreeMap::new(),
        };
        let Facts { number_of_updates, last_updated, last_error, number_of_errors } = self.facts().clone();
        let initialized = number_of_updates > 0;
        Ok(ServiceStatus {
            initialized,
            number_of_updates,
            last_updated,
            last_error,
            number_of_errors,
            subscribers,
        })
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        // Nothing panics while the lock is held.
        self.0.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facts {
    fn set_errors(&mut self, errors: &[String]) {
        self.number_of_errors += u64::from(!errors.is_empty());
        let mut text = errors.iter().take(MOST_ERRORS).cloned().collect::<Vec<_>>().join("; ");
        if errors.len() > MOST_ERRORS {
            text += &format!("; and {} more", errors.len() - MOST_ERRORS);
        }
        self.last_error = (!errors.is_empty()).then_some(text);
    }
}

/// The nodes that subscribe to each table of a service.
pub(crate) async fn subscribers(service: &ServiceHandle) -> Result<BTreeMap<TableId, Vec<NodeId>>> {
    let published = service.node().report().await?.published.into_iter();
    let own = published.filter(|one| one.service == *service.id() && !one.subscribers.is_empty());
    Ok(own.map(|one| (one.table, one.subscribers)).collect())
}
