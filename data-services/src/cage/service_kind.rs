use std::any::Any;
use std::fmt::Debug;

use async_trait::async_trait;
use pubsub_api::{Error, ErrorKind, Result};

use crate::{Address, ServiceBuilder, ServiceConfig, ServiceHandle, StopSignal};

/// The code of a service that a cage runs.
#[async_trait]
pub trait Service: Any + Send + Sync + Debug {
    /// Declares tables, methods and hooks. The cage has added the addresses of the configuration.
    fn declare(&self, service: ServiceBuilder) -> ServiceBuilder;

    /// Takes over what the service that this one replaces has left open, before [`run`](Self::run). That is of the same kind,
    /// and its `run` has returned. Many kinds need nothing of it: by default it is dropped.
    fn take_over(&mut self, predecessor: Box<dyn Service>) {
        drop(predecessor);
    }

    /// Runs until `stop`, or until the service has nothing more to do. An error or a panic makes the cage create and start
    /// the service again.
    ///
    /// # Errors
    /// Any error after which the service cannot continue; the cage logs it.
    async fn run(&mut self, service: ServiceHandle, stop: StopSignal) -> Result<()>;
}

/// A kind of services, which a crate registers by `inventory::submit!`.
#[derive(Debug)]
pub struct ServiceKind {
    /// The name that configurations use.
    pub name: &'static str,
    /// One sentence for lists.
    pub summary: &'static str,
    /// The options: name and description.
    pub options: &'static [(&'static str, &'static str)],
    /// Creates a service. It checks the options and opens nothing.
    pub create: fn(&ServiceConfig) -> Result<Box<dyn Service>>,
}

inventory::collect!(ServiceKind);

impl ServiceKind {
    /// Returns every registered kind, by name.
    #[must_use]
    pub fn all() -> Vec<&'static Self> {
        let mut kinds: Vec<&Self> = inventory::iter::<Self>.into_iter().collect();
        kinds.sort_unstable_by_key(|kind| kind.name);
        kinds
    }

    /// Checks what a cage checks before it starts a service: the name, the addresses, the kind and its options. It opens
    /// nothing, so a service that passes may still fail to start.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an invalid name or address; [`ErrorKind::NotFound`] for an unknown kind: the text lists the
    /// kinds; [`ErrorKind::Settings`] for invalid options.
    pub fn check(config: &ServiceConfig) -> Result<()> {
        config.service_id()?;
        for address in &config.addresses {
            Address::new(address.clone())?;
        }
        Self::create_service(config).map(drop)
    }

    /// Creates a service from its configuration.
    pub(super) fn create_service(config: &ServiceConfig) -> Result<Box<dyn Service>> {
        let kinds = Self::all();
        let Some(kind) = kinds.iter().find(|kind| kind.name == config.kind) else {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
            let text = format!("there is no kind of services {:?}; the kinds are {names:?}", config.kind);
            return Err(Error::new(ErrorKind::NotFound, text));
        };
        (kind.create)(config)
    }
}
