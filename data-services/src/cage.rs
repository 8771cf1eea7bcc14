//! The cage: creates, supervises, reloads and stops the services of a node at run time.

mod cage_methods;
mod caged_service;
mod service_config;
mod service_kind;
mod stop_signal;
mod supervisor;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pubsub_api::{Error, ErrorKind, Result};

use crate::{Node, ServiceHandle, ServiceId};
use supervisor::Supervisor;

pub use caged_service::{CagedService, CagedState};
pub use service_config::ServiceConfig;
pub use service_kind::{Service, ServiceKind};
pub use stop_signal::StopSignal;

/// The services that a node runs under supervision.
///
/// A service is created by its [kind](ServiceKind) from a [configuration](ServiceConfig). If it fails or panics, it is created
/// and started again after a pause of 0.1 s that doubles up to 30 s; its tables keep their rows and its subscribers stay, and
/// calls to it are refused as draining meanwhile. No other service is affected.
///
/// The hidden service `_cage` of the node does the same by calls: its methods are `create`, `reload`, `stop`, `list` and
/// `kinds`.
#[derive(Debug, Clone)]
pub struct Cage(Arc<CageState>);

#[derive(Debug)]
struct CageState {
    node: Node,
    services: Mutex<BTreeMap<ServiceId, Supervisor>>,
}

impl Cage {
    /// Starts the cage of a node, without services.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] if the node has a cage.
    pub async fn start(node: Node) -> Result<Self> {
        let cage = Self(Arc::new(CageState { node: node.clone(), services: Mutex::default() }));
        cage_methods::serve(&node, &cage).await?;
        Ok(cage)
    }

    /// Creates and starts a service.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown kind: the text lists the kinds; [`ErrorKind::Settings`] for invalid options;
    /// [`ErrorKind::AlreadyExists`] if the node runs a service of this name. One that has ended by itself makes room.
    pub async fn create(&self, config: ServiceConfig) -> Result<ServiceHandle> {
        let id = config.service_id()?;
        if self.services().get(&id).is_some_and(|one| !one.has_ended()) {
            let text = format!("this node already runs a service {id}; reload it, or choose another name");
            return Err(Error::new(ErrorKind::AlreadyExists, text));
        }
        let (supervisor, handle) = Supervisor::start(self.0.node.clone(), config).await?;
        self.services().insert(id, supervisor);
        Ok(handle)
    }

    /// Replaces a service by one of a new configuration. The new one is created first: if that fails, the old one continues.
    /// Then the old one finishes its calls and stops, and the new one starts with its tables and its subscribers. A service that
    /// has ended by itself is started again.
    ///
    /// # Errors
    /// As [`create`](Self::create); [`ErrorKind::NotFound`] if the cage runs no such service.
    pub async fn reload(&self, config: ServiceConfig) -> Result<()> {
        let id = config.service_id()?;
        let supervisor = self.services().get(&id).cloned();
        let supervisor = supervisor.ok_or_else(|| not_in_cage(&id))?;
        if supervisor.has_ended() {
            return self.create(config).await.map(|_| ());
        }
        supervisor.reload(config).await
    }

    /// Stops a service: it finishes its calls, and its tables end.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the cage runs no such service.
    pub async fn stop(&self, id: &ServiceId) -> Result<()> {
        let supervisor = self.services().remove(id);
        let supervisor = supervisor.ok_or_else(|| not_in_cage(id))?;
        if supervisor.has_ended() { Ok(()) } else { supervisor.stop().await }
    }

    /// Makes the services those of a list of configurations: stops those that are not in it, creates the new ones, and
    /// reloads those whose configuration differs. One that has ended by itself and whose configuration is the same stays so.
    /// Returns the errors; each concerns one service only.
    pub async fn apply(&self, configs: Vec<ServiceConfig>) -> Vec<Error> {
        let mut errors = Vec::new();
        let wanted: Vec<String> = configs.iter().map(|config| config.id.clone()).collect();
        let gone: Vec<ServiceId> = self
            .services()
            .keys()
            .filter(|id| !wanted.iter().any(|one| one == id.as_str()))
            .cloned()
            .collect();
        for id in gone {
            errors.extend(self.stop(&id).await.err());
        }
        for config in configs {
            let current = self.list().into_iter().map(|one| one.config).find(|one| one.id == config.id);
            let done = match current {
                Some(current) if current == config => Ok(()),
                Some(_) => self.reload(config).await,
                None => self.create(config).await.map(|_| ()),
            };
            errors.extend(done.err());
        }
        errors
    }

    /// Returns the services with their configurations and states, by name. Those that have ended by themselves are included.
    #[must_use]
    pub fn list(&self) -> Vec<CagedService> {
        self.services().values().map(Supervisor::report).collect()
    }

    fn services(&self) -> MutexGuard<'_, BTreeMap<ServiceId, Supervisor>> {
        // Nothing panics while the lock is held.
        self.0.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_in_cage(id: &ServiceId) -> Error {
    Error::new(ErrorKind::NotFound, format!("the cage of this node runs no service {id}"))
}
