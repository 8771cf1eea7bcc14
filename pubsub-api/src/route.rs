use crate::settings::Settings;
use crate::{Driver, Registry, Result, Role};

/// How a process publishes its events, decided by the two drivers of a deployment.
///
/// | network driver | multiproc driver in use | route |
/// |---|---|---|
/// | a [broker](crate::Capabilities::broker) | ignored | [`Broker`](Self::Broker) |
/// | any other | yes | [`Service`](Self::Service) |
/// | any other | no | [`Bind`](Self::Bind) |
#[derive(Debug, Clone, Copy)]
pub enum Route {
    /// Directly to a broker, by its driver. No service is involved.
    Broker(&'static Driver),
    /// To the publisher service of the host, by the multiproc driver.
    Service(&'static Driver),
    /// Directly to the subscribers: the process binds the address of the network driver itself.
    Bind(&'static Driver),
}

impl Route {
    /// Decides by the aliases of the network driver and of the multiproc driver; `multiproc` is `None` if none is in
    /// use.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`](crate::ErrorKind::Settings) if an alias that the decision needs is unknown. The alias of the
    /// network driver is always needed; that of the multiproc driver is not on a broker.
    pub fn find(registry: &Registry, network: &str, multiproc: Option<&str>) -> Result<Self> {
        let network = registry.find(network, Role::Network)?;
        match multiproc {
            _ if network.capabilities.broker => Ok(Self::Broker(network)),
            Some(alias) => registry.find(alias, Role::Multiproc).map(Self::Service),
            None => Ok(Self::Bind(network)),
        }
    }

    /// Returns the driver that accepts the events of this process.
    ///
    /// For [`Bind`](Self::Bind) this is the network driver, whose publisher then binds `publisher_port` in this
    /// process.
    #[must_use]
    pub const fn driver(&self) -> &'static Driver {
        match self {
            Self::Broker(driver) | Self::Service(driver) | Self::Bind(driver) => driver,
        }
    }

    /// Returns whether events go directly to a broker.
    #[must_use]
    pub const fn is_broker(&self) -> bool {
        matches!(self, Self::Broker(_))
    }
}

impl Registry {
    /// Returns how a process with these settings publishes its events.
    ///
    /// # Errors
    /// As [`Route::find`].
    pub fn route(&self, settings: &Settings) -> Result<Route> {
        let pubsub = settings.pubsub();
        let multiproc = pubsub.pub_sub_use_multiproc.then_some(pubsub.pub_sub_multiproc_driver.as_str());
        Route::find(self, &pubsub.pub_sub_driver, multiproc)
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::{Driver, Registry, Role, Route};
    use crate::{Capabilities, Error, ErrorKind};

    const fn driver(alias: &'static str, role: &'static [Role], broker: bool) -> Driver {
        Driver {
            alias,
            roles: role,
            summary: "a driver of this test",
            capabilities: Capabilities { broker, ..Capabilities::NONE },
            settings: &[],
            open: |_, _| Err(Error::new(ErrorKind::Internal, "never opened here")),
        }
    }

    static BROKER: Driver = driver("broker", &[Role::Network], true);
    static MESH: Driver = driver("mesh", &[Role::Network], false);
    static SOCKET: Driver = driver("socket", &[Role::Multiproc], false);

    fn route(network: &str, multiproc: Option<&str>) -> crate::Result<Route> {
        let registry = Registry::from_drivers([&BROKER, &MESH, &SOCKET].into_iter(), iter::empty()).unwrap();
        Route::find(&registry, network, multiproc)
    }

    #[test]
    fn a_broker_takes_events_directly_whatever_the_multiproc_driver_is() {
        for multiproc in [None, Some("socket"), Some("unknown")] {
            let route = route("broker", multiproc).unwrap();
            assert!(route.is_broker());
            assert_eq!(route.driver().alias, "broker");
        }
    }

    #[test]
    fn without_a_broker_the_multiproc_driver_decides() {
        let service = route("mesh", Some("socket")).unwrap();
        assert!(matches!(service, Route::Service(driver) if driver.alias == "socket"));
        let bind = route("mesh", None).unwrap();
        assert!(matches!(bind, Route::Bind(driver) if driver.alias == "mesh"));
    }

    #[test]
    fn an_unknown_alias_is_an_error_on_every_route_that_needs_it() {
        for (network, multiproc) in
            [("unknown", None), ("unknown", Some("socket")), ("mesh", Some("unknown"))]
        {
            let error = route(network, multiproc).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Settings, "{network} {multiproc:?}");
        }
    }
}
