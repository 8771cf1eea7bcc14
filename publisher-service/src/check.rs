use std::net::IpAddr;

use northbound::DatabaseSettings;
use pubsub_api::settings::{PubSub, Settings};
use pubsub_api::{Error, ErrorKind, Registry, Result};
use service_kit::StatusServer;

use crate::prepared::Prepared;
use crate::public_host::PublicHost;

/// What the program is called.
pub(crate) const PROGRAM: &str = "publisher-service";

/// Whether the addresses of a service must be free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// Nobody may have them: a start needs them.
    Free,
    /// The service that runs has them.
    HeldByService,
}

/// Checks what a start of `publisher-service` needs, and starts nothing: settings, aliases, the address that the directory
/// names, folders, and the addresses to bind. The program does the same before it starts. The warnings are returned.
///
/// # Errors
/// What a start would be refused for: [`ErrorKind::Settings`] and
/// [`ErrorKind::Unavailable`].
pub fn check(registry: &Registry, settings: &Settings, addresses: Addresses) -> Result<Vec<String>> {
    check_names(settings)?;
    let prepared = Prepared::new(registry, settings)?;
    StatusServer::check(&settings.pubsub().state_dir, PROGRAM)?;
    if addresses == Addresses::Free {
        prepared.check_addresses()?;
    }
    let mut warnings = prepared.warnings;
    // At a broker nothing is bound.
    if prepared.ipc.is_some() {
        warnings.extend(open_address(settings.pubsub()));
    }
    Ok(warnings)
}

/// Checks the addresses that the settings name by their form, which needs no look at the host.
///
/// # Errors
/// [`ErrorKind::Settings`] if `publisher_bind_address` is empty, and if `management_ip` is nothing to connect to.
pub fn check_names(settings: &Settings) -> Result<()> {
    if settings.pubsub().publisher_bind_address.is_empty() {
        let text =
            "publisher_bind_address is empty: write an address, `*` for all IPv4 addresses, or `::` for all";
        return Err(Error::new(ErrorKind::Settings, text));
    }
    PublicHost::check_name(&DatabaseSettings::read(settings)?.management_ip)
}

/// As long as nobody is authenticated, an address beyond this host deserves a word.
fn open_address(pubsub: &PubSub) -> Option<String> {
    let address = &pubsub.publisher_bind_address;
    let is_loopback = address == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    (!is_loopback).then(|| {
        format!(
            "publisher_bind_address = {address}: whoever reaches this address reads every event; nobody is authenticated"
        )
    })
}
