use northbound::DatabaseSettings;
use operations::{Occupancy, OperationsOptions};
use publisher_service_settings::ServiceSettings;
use pubsub_api::settings::Settings;
use pubsub_api::{Error, ErrorKind, Posture, Registry, Result};
use sealing::SealingSettings;
use service_kit::StatusServer;

use crate::prepared::Prepared;
use crate::public_host::PublicHost;

/// The program's name.
pub(crate) const PROGRAM: &str = "publisher-service";

/// Whether the addresses that the service binds must be free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// No process may have bound them: the service is about to start.
    Free,
    /// A running service has bound them.
    HeldByService,
}

impl Addresses {
    fn occupancy(self) -> Occupancy {
        match self {
            Self::Free => Occupancy::Free,
            Self::HeldByService => Occupancy::Held,
        }
    }
}

/// The HTTP endpoint for operators, if there is one.
///
/// # Errors
/// As [`OperationsOptions::of`].
pub(crate) fn operations(settings: &Settings) -> Result<Option<OperationsOptions>> {
    let ServiceSettings { operations_bind, operations_token_file, .. } = ServiceSettings::read(settings)?;
    OperationsOptions::of("service", &operations_bind, operations_token_file)
}

/// Checks everything that a start of `publisher-service` needs, without starting it: settings, aliases, the address to
/// publish in the directory, folders, and the addresses to bind. The program makes the same check before it starts.
/// Returns the warnings.
///
/// A warning is a sentence for the operator; the start succeeds all the same. `skimmer config check` prints both.
///
/// # Errors
/// [`ErrorKind::Settings`] or [`ErrorKind::Unavailable`], as a start would return.
pub fn check(registry: &Registry, settings: &Settings, addresses: Addresses) -> Result<Vec<String>> {
    check_names(settings)?;
    let prepared = Prepared::new(registry, settings)?;
    Prepared::check_keyring(settings)?;
    StatusServer::check(&settings.pubsub().state_dir, PROGRAM)?;
    if addresses == Addresses::Free {
        prepared.check_addresses()?;
    }
    if let Some(operations) = operations(settings)? {
        operations.check(addresses.occupancy())?;
    }
    // Of a running service too, whose settings may have changed.
    prepared.driver.check_exposure()?;
    let mut postures = prepared.posture();
    postures.extend(operations(settings)?.as_ref().map(OperationsOptions::posture));
    let mut warnings = prepared.warnings;
    warnings.extend(postures.iter().filter_map(Posture::warning));
    Ok(warnings)
}

/// Returns who can publish, receive and read what, with the settings of a service.
///
/// # Errors
/// As [`check`], without those that depend on the host.
pub fn posture(registry: &Registry, settings: &Settings) -> Result<Vec<Posture>> {
    let mut postures = Prepared::new(registry, settings)?.posture();
    postures.push(SealingSettings::read(settings)?.posture_of_publisher());
    postures.extend(operations(settings)?.as_ref().map(OperationsOptions::posture));
    Ok(postures)
}

/// Checks the syntax of the addresses in the settings, without reading the addresses of the host.
///
/// # Errors
/// [`ErrorKind::Settings`] if `publisher_bind_address` is empty, if `service.operations_bind` is no address or needs a token, or if
/// `management_ip` is not an address or a host name that agents can connect to.
pub fn check_names(settings: &Settings) -> Result<()> {
    if settings.pubsub().publisher_bind_address.is_empty() {
        let text =
            "publisher_bind_address is empty: write an address, `*` for all IPv4 addresses, or `::` for all";
        return Err(Error::new(ErrorKind::Settings, text));
    }
    operations(settings)?.map_or(Ok(()), |operations| operations.check_exposure())?;
    PublicHost::check_name(&DatabaseSettings::read(settings)?.management_ip)
}
