use std::sync::Arc;

use crate::database::{DatabaseDriver, DbApi};
use crate::settings::{Setting, Settings, UseNbDb};
use crate::{Driver, Error, ErrorKind, PubSubApi, Result, Role, UnlinkedDriver};

/// Every driver that is linked into this program, by alias.
///
/// A program links the drivers by naming the crate `drivers` (`use drivers as _;`): the linker silently drops a crate
/// that no code names.
///
/// ```
/// use pubsub_api::{ErrorKind, Registry, Role};
///
/// let registry = Registry::collect()?;
/// let error = registry.find("no_such_driver", Role::Network).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Settings);
/// assert!(error.to_string().starts_with("pub_sub_driver: there is no driver \"no_such_driver\""));
/// # Ok::<(), pubsub_api::Error>(())
/// ```
#[derive(Debug)]
pub struct Registry {
    drivers: Vec<&'static Driver>,
    databases: Vec<&'static DatabaseDriver>,
}

impl Registry {
    /// Collects the drivers that the linked crates submitted.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if two drivers claim one alias.
    pub fn collect() -> Result<Self> {
        Self::from_drivers(
            inventory::iter::<Driver>.into_iter(),
            inventory::iter::<DatabaseDriver>.into_iter(),
        )
    }

    pub(crate) fn from_drivers(
        drivers: impl Iterator<Item = &'static Driver>,
        databases: impl Iterator<Item = &'static DatabaseDriver>,
    ) -> Result<Self> {
        let (mut drivers, mut databases): (Vec<_>, Vec<_>) = (drivers.collect(), databases.collect());
        drivers.sort_by_key(|driver| driver.alias);
        databases.sort_by_key(|driver| driver.alias);
        let mut aliases: Vec<&str> = drivers.iter().map(|driver| driver.alias).collect();
        aliases.extend(databases.iter().map(|driver| driver.alias));
        aliases.sort_unstable();
        for (one, next) in aliases.iter().zip(aliases.iter().skip(1)) {
            if one == next {
                let text = format!("two drivers are called {one:?}: rename one of them");
                return Err(Error::new(ErrorKind::Internal, text));
            }
        }
        Ok(Self { drivers, databases })
    }

    /// Returns all drivers, sorted by alias.
    #[must_use]
    pub fn drivers(&self) -> &[&'static Driver] {
        &self.drivers
    }

    /// Returns all database drivers, sorted by alias.
    #[must_use]
    pub fn databases(&self) -> &[&'static DatabaseDriver] {
        &self.databases
    }

    /// Returns the settings of every driver, for loading; a section that two aliases share is included once.
    #[must_use]
    pub fn settings(&self) -> Vec<&'static [Setting]> {
        let mut all: Vec<&'static [Setting]> = Vec::new();
        let of_drivers = self.drivers.iter().map(|driver| driver.settings);
        for settings in of_drivers.chain(self.databases.iter().map(|driver| driver.settings)) {
            if !settings.is_empty() && !all.iter().any(|known| std::ptr::eq(*known, settings)) {
                all.push(settings);
            }
        }
        all
    }

    /// Returns the driver called `alias`, which must serve `role`.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the alias is unknown or serves the other hop; the text has the aliases of that role,
    /// and the nearest one.
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
        Err(unknown(role.setting(), &what, alias, &of_role))
    }

    /// Returns the database driver called `alias`.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if the alias is unknown; the text has the known aliases, and the nearest one.
    pub fn find_database(&self, alias: &str) -> Result<&'static DatabaseDriver> {
        let found = self.databases.iter().find(|driver| driver.alias == alias).copied();
        found.ok_or_else(|| {
            let known: Vec<&str> = self.databases.iter().map(|driver| driver.alias).collect();
            let error =
                unknown("nb_db_class", &format!("there is no database driver {alias:?}"), alias, &known);
            Error::new(ErrorKind::Settings, format!("{error}; use_nb_db = \"no\" runs without a database"))
        })
    }

    /// Creates the database driver called `alias`.
    ///
    /// # Errors
    /// As [`find_database`](Registry::find_database), and any error of the driver about the settings.
    pub fn open_database(&self, alias: &str, settings: &Settings) -> Result<Arc<dyn DbApi>> {
        (self.find_database(alias)?.open)(settings)
    }

    /// Creates the driver of the database that service and agents use, if `use_nb_db` states that they use one: `auto`
    /// means yes for a database shared between hosts.
    ///
    /// `None` means that the settings rule a database out, not that one is missing.
    ///
    /// # Errors
    /// As [`open_database`](Registry::open_database); an unknown alias that is not needed is not an error.
    pub fn used_database(&self, settings: &Settings) -> Result<Option<Arc<dyn DbApi>>> {
        let pubsub = settings.pubsub();
        let is_used = match pubsub.use_nb_db {
            UseNbDb::No => false,
            UseNbDb::Yes => true,
            UseNbDb::Auto => self.find_database(&pubsub.nb_db_class)?.capabilities.across_hosts,
        };
        is_used.then(|| self.open_database(&pubsub.nb_db_class, settings)).transpose()
    }

    /// Creates the driver that the settings select for `role`.
    ///
    /// It opens no connection: [`Publisher::initialize`](crate::Publisher::initialize) and
    /// [`Subscriber::initialize`](crate::Subscriber::initialize) do.
    ///
    /// # Errors
    /// As [`find`](Registry::find), and any error of the driver about the settings.
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

/// Drivers of Dragonflow's releases that Skimmer does not have. The error suggests no alias of Skimmer for them.
const OF_DRAGONFLOW: &[&str] = &[
    "cassandra_nb_db_driver",
    "etcd_nb_db_driver",
    "etcd_pubsub_driver",
    "ramcloud_nb_db_driver",
    "rethinkdb_nb_db_driver",
    "zmq_bind_pubsub_driver",
    "zookeeper_nb_db_driver",
];

fn unknown(setting: &str, what: &str, alias: &str, known: &[&str]) -> Error {
    if let Some(unlinked) = UnlinkedDriver::called(alias) {
        let text = format!(
            "{setting}: this program was built without the driver {alias:?}: enable the feature {:?} of the crate \
             `drivers`, or of the crate that passes it on",
            unlinked.feature
        );
        return Error::new(ErrorKind::Settings, text);
    }
    if OF_DRAGONFLOW.contains(&alias) || alias.starts_with("dragonflow.") {
        let text = format!(
            "{setting}: {alias} is a driver of Dragonflow that Skimmer does not have; known are {}",
            known.join(", ")
        );
        return Error::new(ErrorKind::Settings, text);
    }
    let nearest = known
        .iter()
        .max_by(|one, other| strsim::jaro_winkler(alias, one).total_cmp(&strsim::jaro_winkler(alias, other)));
    let hint = nearest.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default();
    let text = format!("{setting}: {what}; known are {}{hint}", known.join(", "));
    Error::new(ErrorKind::Settings, text)
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::{DatabaseDriver, Driver, Error, ErrorKind, Registry, Role};
    use crate::Capabilities;
    use crate::database::DatabaseCapabilities;

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
        let registry = Registry::from_drivers([&ZMQ, &MULTIPROC].into_iter(), iter::empty()).unwrap();
        let error = registry.find("zmq_pubsb_driver", Role::Network).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings);
        let text = error.to_string();
        assert!(text.contains("pub_sub_driver: there is no driver \"zmq_pubsb_driver\""), "{text}");
        assert!(text.contains("did you mean \"zmq_pubsub_driver\"?"), "{text}");
    }

    static DATABASE: DatabaseDriver = DatabaseDriver {
        alias: "redis_nb_db_driver",
        summary: "a database of this test",
        capabilities: DatabaseCapabilities::NONE,
        settings: &[],
        open: |_| Err(Error::new(ErrorKind::Internal, "never opened here")),
    };

    #[test]
    fn a_driver_of_dragonflows_that_is_not_here_is_refused_with_those_that_are_and_with_none_suggested() {
        let registry = Registry::from_drivers([&ZMQ].into_iter(), [&DATABASE].into_iter()).unwrap();
        let text = registry.find_database("etcd_nb_db_driver").unwrap_err().to_string();
        assert_eq!(
            text,
            "nb_db_class: etcd_nb_db_driver is a driver of Dragonflow that Skimmer does not have; known are \
             redis_nb_db_driver; use_nb_db = \"no\" runs without a database"
        );
        let text = registry.find("zmq_bind_pubsub_driver", Role::Network).unwrap_err().to_string();
        assert!(text.ends_with("does not have; known are zmq_pubsub_driver"), "{text}");
        let text = registry.find_database("redis_nb_db").unwrap_err().to_string();
        assert!(text.contains("did you mean \"redis_nb_db_driver\"?; use_nb_db = \"no\""), "{text}");
    }

    #[test]
    fn an_alias_in_a_role_that_it_does_not_have_is_refused() {
        let registry = Registry::from_drivers([&ZMQ, &MULTIPROC].into_iter(), iter::empty()).unwrap();
        let text = registry.find("zmq_pubsub_driver", Role::Multiproc).unwrap_err().to_string();
        assert!(
            text.contains("cannot be the multiproc driver; known are zmq_pubsub_multiproc_driver"),
            "{text}"
        );
    }

    #[test]
    fn two_drivers_with_one_alias_are_an_error_at_start() {
        let text = Registry::from_drivers([&ZMQ, &ZMQ].into_iter(), iter::empty()).unwrap_err().to_string();
        assert_eq!(text, "two drivers are called \"zmq_pubsub_driver\": rename one of them");
    }
}
