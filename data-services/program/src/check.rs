use data_services::ServiceKind;
use data_services_settings::DataServicesSettings;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Posture, Registry, Result};
use service_kit::{StatusDocument, StatusServer};

use crate::node_driver::node_driver;
use crate::node_settings::{is_wildcard, node_options, options_without_files};
use crate::services_file::read_services;

/// The name of the program in its status and of its status socket.
pub const PROGRAM: &str = "data-services-node";

/// Checks everything that a start of `skimmer dse run` needs, without starting it: settings, the file of access rules, the
/// keyring, the services file with the kinds and options of its services, folders, and the address to bind. The program makes the same check
/// before it starts. Returns the warnings.
///
/// `running` is the status of a node that holds the address and the status socket of these settings: then neither is
/// checked, and a warning reports that.
///
/// # Errors
/// [`ErrorKind::Settings`] or [`ErrorKind::Unavailable`], as a start would return.
pub fn check(
    registry: &Registry,
    settings: &Settings,
    running: Option<&StatusDocument>,
) -> Result<Vec<String>> {
    if let Some(sealing) = node_options(settings)?.sealing {
        let _keys = sealing.open()?;
    }
    for service in read_services(settings)? {
        ServiceKind::check(&service).map_err(|error| {
            let text = format!("data_services.services_file: {error}");
            Error::new(ErrorKind::Settings, text)
        })?;
    }
    let own = DataServicesSettings::read(settings)?;
    let (driver, is_broker) = node_driver(registry, settings, &own.bind_address, own.port)?;
    let mut warnings = Vec::new();
    if !is_broker {
        check_reachable(&own)?;
    }
    driver.publisher().check_exposure()?;
    warnings.extend(posture(registry, settings)?.iter().filter_map(Posture::warning));
    if let Some(running) = running {
        warnings.push(format!(
            "{} with pid {} runs in this state_dir; the address that it has bound was not checked",
            running.program, running.pid
        ));
        return Ok(warnings);
    }
    StatusServer::check(&settings.pubsub().state_dir, PROGRAM)?;
    driver.publisher().check()?;
    Ok(warnings)
}

/// Returns who can join the bus and read what travels on it, with the settings of a node.
///
/// # Errors
/// As [`Registry::open`].
pub fn posture(registry: &Registry, settings: &Settings) -> Result<Vec<Posture>> {
    let own = DataServicesSettings::read(settings)?;
    let (driver, _) = node_driver(registry, settings, &own.bind_address, own.port)?;
    let mut postures = driver.publisher().posture();
    postures.extend(driver.subscriber().posture());
    postures.push(own.posture());
    Ok(postures)
}

/// Checks the names, addresses and times of the settings, without looking at the host.
///
/// # Errors
/// [`ErrorKind::Settings`] for an invalid name or address, and for times that contradict each other.
pub fn check_options(settings: &Settings) -> Result<()> {
    options_without_files(settings).map(drop)
}

/// Refuses an address that no other node can connect to.
fn check_reachable(own: &DataServicesSettings) -> Result<()> {
    if own.advertise.is_some() || !is_wildcard(&own.bind_address) {
        return Ok(());
    }
    let text = format!(
        "data_services.advertise is empty, and other nodes cannot connect to data_services.bind_address = {}: set it to an \
         address or a name of this host",
        own.bind_address
    );
    Err(Error::new(ErrorKind::Settings, text))
}
