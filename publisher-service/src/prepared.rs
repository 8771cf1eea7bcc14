use std::sync::Arc;

use delivery::{Identity, publisher_id};
use northbound::DatabaseSettings;
use pubsub_api::database::DbApi;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Posture, Publisher, Registry, Result, Role, Route, Subscriber};
use sealing::SealingOptions;

use crate::local_addresses::local_addresses;
use crate::network::Network;
use crate::northbound_side::NorthboundSide;
use crate::public_host::{Circumstances, PublicHost};
use crate::shared_reading::SharedReading;

/// The parts of a service, made from the settings; nothing is bound or opened yet.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) id: String,
    pub(crate) driver: Arc<dyn Publisher>,
    pub(crate) network: Network,
    /// `None` with a broker, because workers publish to it directly.
    pub(crate) ipc: Option<Arc<dyn Subscriber>>,
    pub(crate) database: Option<Arc<dyn DbApi>>,
    pub(crate) northbound: Option<NorthboundSide>,
    pub(crate) warnings: Vec<String>,
}

impl Prepared {
    /// Makes the parts and collects the warnings.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for unknown aliases, settings that a driver refuses, tables that cannot be watched, an
    /// address that cannot be put into the directory, and if the service has nothing to do.
    pub(crate) fn new(registry: &Registry, settings: &Settings) -> Result<Self> {
        let database = registry.used_database(settings)?;
        let on_broker = is_on_broker(registry, settings, database.is_some())?;
        let identity = (!on_broker).then(|| Identity::of(settings));
        let id =
            identity.as_ref().map_or_else(|| publisher_id(settings), |identity| identity.id().to_owned());
        let driver = registry.open(settings, Role::Network)?.publisher();
        let rows = database.as_ref().map(|database| SharedReading::new(Arc::clone(database)));
        let network = Network::of(identity, &driver, settings, rows)?;
        let mut warnings = in_process_driver_warnings(registry, settings)?;
        let mut northbound = None;
        if let Some(database) = database.clone() {
            let host = if on_broker { None } else { Some(public_host(registry, settings)?) };
            warnings.extend(host.as_ref().and_then(|host| host.warning.clone()));
            let host = host.map(|host| host.host);
            northbound = Some(NorthboundSide::new(database, network.publisher(), &id, host, settings)?);
        }
        let ipc = match network {
            Network::Bound(_) => Some(registry.open(settings, Role::Multiproc)?.subscriber()),
            Network::Broker(_) => None,
        };
        Ok(Self { id, driver, network, ipc, database, northbound, warnings })
    }

    /// Who can publish, receive and read what.
    pub(crate) fn posture(&self) -> Vec<Posture> {
        let mut postures = self.driver.posture();
        postures.extend(self.ipc.iter().flat_map(|ipc| ipc.posture()));
        postures.extend(self.database.iter().flat_map(|database| database.posture()));
        postures
    }

    /// Checks that the keyring can be read, if events are sealed.
    ///
    /// # Errors
    /// As [`SealingOptions::open`].
    pub(crate) fn check_keyring(settings: &Settings) -> Result<()> {
        SealingOptions::of(settings)?.map(|sealing| sealing.open()).transpose().map(drop)
    }

    /// Checks that the addresses of the service can be bound now.
    ///
    /// # Errors
    /// As [`Publisher::check`] and [`Subscriber::check`].
    pub(crate) fn check_addresses(&self) -> Result<()> {
        self.driver.check()?;
        self.ipc.as_ref().map_or(Ok(()), |ipc| ipc.check())
    }
}

fn public_host(registry: &Registry, settings: &Settings) -> Result<PublicHost> {
    let database = registry.find_database(&settings.pubsub().nb_db_class)?;
    let circumstances = Circumstances {
        joins_hosts: database.capabilities.across_hosts,
        is_set: settings.is_set("management_ip"),
    };
    let management_ip = DatabaseSettings::read(settings)?.management_ip;
    PublicHost::of(settings.pubsub(), &management_ip, circumstances, local_addresses)
}

/// Warns of drivers that work within one process only: they carry no event from workers to agents.
fn in_process_driver_warnings(registry: &Registry, settings: &Settings) -> Result<Vec<String>> {
    let pubsub = settings.pubsub();
    let mut warnings = Vec::new();
    let aliases =
        [(&pubsub.pub_sub_driver, Role::Network), (&pubsub.pub_sub_multiproc_driver, Role::Multiproc)];
    for (alias, role) in aliases {
        if !registry.find(alias, role)?.capabilities.across_processes {
            warnings.push(format!(
                "{} = {alias}: this driver works within one process only; no other process receives its events",
                role.setting()
            ));
        }
    }
    Ok(warnings)
}

/// Whether the workers publish to a broker, so that the service does the database work only.
///
/// # Errors
/// [`ErrorKind::Settings`] if the service has nothing to do.
fn is_on_broker(registry: &Registry, settings: &Settings, has_database: bool) -> Result<bool> {
    let (reason, advice) = match registry.route(settings)? {
        Route::Broker(_) if has_database => return Ok(true),
        Route::Broker(driver) => (
            format!("{} publishes to a broker", driver.alias),
            "; if it should watch the northbound database, set use_nb_db = yes, or an nb_db_class that is shared between \
             hosts",
        ),
        Route::Bind(_) => ("pub_sub_use_multiproc is false".to_owned(), ""),
        Route::Service(_) => return Ok(false),
    };
    let text = format!(
        "{reason}: API workers publish directly, and the publisher service has nothing to do{advice}"
    );
    Err(Error::new(ErrorKind::Settings, text))
}
