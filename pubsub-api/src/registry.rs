use std::sync::Arc;

use crate::settings::{Setting, Settings};
use crate::{Driver, Error, ErrorKind, PubSubApi, Result, Role};

/// Every driver that is linked into this program, by alias.
///
/// A program links the drivers by naming the crate `drivers` (`use drivers as _;`): the linker drops a crate that
/// nobody names, without a word.
#[derive(Debug)]
pub struct Registry {
    drivers: Vec<&'static Driver>,
}

impl Registry {
    /// Collects what the linked drivers submitted.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if two drivers claim one alias.
    pub fn collect() -> Result<Self> {
        Self::from_drivers(inventory::iter::<Driver>.into_iter())
    }

    fn from_drivers(drivers: impl Iterator<Item = &'static Driver>) -> Result<Self> {
        let mut drivers: Vec<_> = drivers.collect();
        drivers.sort_by_key(|driver| driver.alias);
        for (one, next) in drivers.iter().zip(drivers.iter().skip(1)) {
            if one.alias == next.alias {
                return Err(Error::new(
                    ErrorKind::Internal,
                    format!("two drivers are called {:?}: rename one of them", one.alias),
                ));
            }
        }
        Ok(Self { drivers })
    }

    /// All drivers, sorted by alias.
    #[must_use]
    pub fn drivers(&self) -> &[&'static Driver] {
        &self.drivers
    }

    /// The settings of every driver, for [`Settings::load`]; a section that two aliases share is there once.
    #[must_use]
    pub fn settings(&self) -> Vec<&'static [Setting]> {
        let mut all: Vec<&'static [Setting]> = Vec::new();
        for driver in &self.drivers {
            if !all.iter().any(|known| std::ptr::eq(*known, driver.settings)) {
                all.push(driver.settings);
            }
        }
        all
    }

    /// The driver called `alias`, which must serve `role`.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] with the aliases of that role, and the nearest one, if it is unknown or serves the
    /// other hop.
    pub fn find(&self, alias: &str, role: Role) -> Result<&'static Driver> {
        let found = self.drivers.iter().find(|driver| driver.alias == alias);
        if let Some(driver) = found.filter(|driver| driver.roles.contains(&role)) {
            return Ok(driver);
        }
        let of_role: Vec<&str> = self
            .drivers
            .iter()
            .filter(|driver| driver.roles.contains(&role))
            .map(|driver| driver.alias)
            .collect();
        let what = match found {
            Some(_) => format!("driver {alias:?} cannot be the {} driver", role.as_str()),
            None => format!("there is no driver {alias:?}"),
        };
        let nearest = of_role.iter().max_by(|one, other| {
            strsim::jaro_winkler(alias, one).total_cmp(&strsim::jaro_winkler(alias, other))
        });
        let hint = nearest.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default();
        Err(Error::new(
            ErrorKind::Settings,
            format!("{}: {what}; known are {}{hint}", role.setting(), of_role.join(", ")),
        ))
    }

    /// Makes the driver that the settings name for `role`.
    ///
    /// # Errors
    /// As [`find`](Registry::find), and whatever the driver refuses about the settings.
    pub fn open(&self, settings: &Settings, role: Role) -> Result<Arc<dyn PubSubApi>> {
        let pubsub = settings.pubsub();
        let alias = match role {
            Role::Network => &pubsub.pub_sub_driver,
            Role::Multiproc => &pubsub.pub_sub_multiproc_driver,
        };
        let driver = self.find(alias, role)?;
        (driver.open)(settings, role)
    }
}

#[cfg(test)]
mod tests {
    use super::{Driver, Error, ErrorKind, Registry, Role};
    use crate::Capabilities;

    const fn driver(alias: &'static str, roles: &'static [Role]) -> Driver {
        Driver {
            alias,
            roles,
            summary: "a driver of this test",
            capabilities: Capabilities::NONE,
            settings: &[],
            open: |_, _| Err(Error::new(ErrorKind::Internal, "never opened here")),
        }
    }

    static ZMQ: Driver = driver("zmq_pubsub_driver", &[Role::Network]);
    static MULTIPROC: Driver = driver("zmq_pubsub_multiproc_driver", &[Role::Multiproc]);

    #[test]
    fn an_unknown_alias_is_refused_with_the_known_ones_and_the_nearest() {
        let registry = Registry::from_drivers([&ZMQ, &MULTIPROC].into_iter()).unwrap();
        let error = registry.find("zmq_pubsb_driver", Role::Network).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings);
        let text = error.to_string();
        assert!(text.contains("pub_sub_driver: there is no driver \"zmq_pubsb_driver\""), "{text}");
        assert!(text.contains("did you mean \"zmq_pubsub_driver\"?"), "{text}");
    }

    #[test]
    fn an_alias_in_a_role_that_it_does_not_have_is_refused() {
        let registry = Registry::from_drivers([&ZMQ, &MULTIPROC].into_iter()).unwrap();
        let text = registry.find("zmq_pubsub_driver", Role::Multiproc).unwrap_err().to_string();
        assert!(
            text.contains("cannot be the multiproc driver; known are zmq_pubsub_multiproc_driver"),
            "{text}"
        );
    }

    #[test]
    fn two_drivers_with_one_alias_are_an_error_at_start() {
        let text = Registry::from_drivers([&ZMQ, &ZMQ].into_iter()).unwrap_err().to_string();
        assert_eq!(text, "two drivers are called \"zmq_pubsub_driver\": rename one of them");
    }
}
