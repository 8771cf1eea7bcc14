use pubsub_api::settings::Settings;
use pubsub_api::{Registry, Result, Role};

/// Which way the events of an API worker go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// To a broker, directly.
    Broker,
    /// To the host's publisher service.
    Service,
    /// To the subscribers: this process binds the network address.
    Itself,
}

impl Way {
    /// As the settings say. On a broker the IPC hop is not used (DESIGN 3), so its driver and `pub_sub_use_multiproc` do not
    /// matter.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](pubsub_api::ErrorKind::Settings) if the alias of the network driver is unknown, unless the
    /// service is to be used: then that is the service's affair.
    pub(crate) fn of(settings: &Settings, registry: &Registry) -> Result<Self> {
        let pubsub = settings.pubsub();
        let network = registry.find(&pubsub.pub_sub_driver, Role::Network);
        match (network, pubsub.pub_sub_use_multiproc) {
            (Ok(driver), _) if driver.capabilities.broker => Ok(Self::Broker),
            (_, true) => Ok(Self::Service),
            (Ok(_), false) => Ok(Self::Itself),
            (Err(unknown), false) => Err(unknown),
        }
    }
}
