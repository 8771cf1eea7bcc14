use std::time::Duration;

use data_services::NodeOptions;
use data_services_settings::DataServicesSettings;
use pubsub_api::settings::{Settings, endpoint};
use pubsub_api::{Error, ErrorKind, Result};

use crate::access_file::read_access_rules;

/// The options of the node of these settings.
///
/// # Errors
/// As [`options_without_files`]; [`ErrorKind::Settings`] also for an invalid file of access rules.
pub(crate) fn node_options(settings: &Settings) -> Result<NodeOptions> {
    let own = DataServicesSettings::read(settings)?;
    let access = read_access_rules(own.access_file.as_deref())?;
    Ok(NodeOptions { access, ..options_without_files(settings)? })
}

/// As [`node_options`], without what is in files of this host.
///
/// # Errors
/// [`ErrorKind::Settings`] for an invalid name or address, and for times that contradict each other.
pub(crate) fn options_without_files(settings: &Settings) -> Result<NodeOptions> {
    let own = DataServicesSettings::read(settings)?;
    let transport = &settings.pubsub().publisher_transport;
    let node = own.node_id.clone().unwrap_or_else(host_name);
    if own.down_after <= own.suspect_after {
        return Err(refused("down_after", "must be longer than data_services.suspect_after"));
    }
    if own.suspect_after <= own.heartbeat {
        return Err(refused("suspect_after", "must be longer than data_services.heartbeat"));
    }
    let advertise = own.advertise.as_deref().map(|entry| advertised(transport, entry, own.port));
    Ok(NodeOptions {
        seeds: seeds(transport, &own)?,
        advertise: advertise.transpose()?,
        heartbeat: own.heartbeat,
        suspect_after: own.suspect_after,
        down_after: own.down_after,
        forget_after: own.forget_after,
        call_timeout: own.call_timeout,
        table_bytes: own.table_bytes,
        sealing: own.sealing()?,
        ..NodeOptions::new(node)
            .map_err(|error| refused("node_id", &error))?
            .bus(own.bus_id)
            .map_err(|error| refused("bus_id", &error))?
    })
}

/// The options of a node that exists for one command: a free port at the same address, and the node of the settings as one
/// more seed.
pub(crate) fn client_options(settings: &Settings, settles_within: Duration) -> Result<NodeOptions> {
    let own = DataServicesSettings::read(settings)?;
    let transport = &settings.pubsub().publisher_transport;
    let mut options = node_options(settings)?.bus(own.bus_id.clone())?;
    options.node = data_services::NodeId::new(format!("_command-{:016x}", fastrand::u64(..)))?;
    // The node of this host, if it runs; a node skips seeds that do not reply.
    if own.port != 0 {
        let entry = own.advertise.as_deref().unwrap_or_else(|| connectable(&own.bind_address));
        options.seeds.push(endpoint(transport, entry, own.port)?);
    }
    options.advertise = own.advertise.as_deref().map(|entry| at_free_port(transport, entry)).transpose()?;
    options.heartbeat = options.heartbeat.min(settles_within);
    Ok(options)
}

/// Whether this is every address of the host, to which no other host can connect.
pub(crate) fn is_wildcard(bind_address: &str) -> bool {
    ["*", "0.0.0.0", "::"].contains(&bind_address)
}

/// The address that reaches a node of this host which binds `bind_address`.
fn connectable(bind_address: &str) -> &str {
    match bind_address {
        "::" => "::1",
        address if is_wildcard(address) => "127.0.0.1",
        address => address,
    }
}

fn seeds(transport: &str, own: &DataServicesSettings) -> Result<Vec<String>> {
    let needs_port = |_| {
        refused("seeds", "an entry needs a port of its own, such as node-1:8870, as data_services.port is 0")
    };
    own.seeds.iter().map(|seed| endpoint(transport, seed, own.port).map_err(needs_port)).collect()
}

/// The endpoint of `advertise`. With port 0 the engine inserts the port that the driver binds.
fn advertised(transport: &str, entry: &str, port: u16) -> Result<String> {
    let has_port = of_entry(transport, entry, 1)? == of_entry(transport, entry, 2)?;
    if port == 0 && !has_port { at_free_port(transport, entry) } else { of_entry(transport, entry, port) }
}

fn at_free_port(transport: &str, entry: &str) -> Result<String> {
    let endpoint = of_entry(transport, entry, 1)?;
    let host = endpoint.rsplit_once(':').map_or(endpoint.as_str(), |(host, _)| host);
    Ok(format!("{host}:0"))
}

fn of_entry(transport: &str, entry: &str, port: u16) -> Result<String> {
    endpoint(transport, entry, port).map_err(|_| {
        refused("advertise", &format!("wants `ip`, `ip:port`, `host` or `host:port`, not {entry:?}"))
    })
}

fn refused(setting: &str, why: &(impl ToString + ?Sized)) -> Error {
    Error::new(ErrorKind::Settings, format!("data_services.{setting}: {}", why.to_string()))
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use data_services::NodeOptions;

    use super::node_options;

    #[test]
    fn the_defaults_of_the_settings_are_those_of_the_engine() {
        let of_settings = node_options(&all_settings::defaults(&[]).unwrap()).unwrap();
        let of_engine = NodeOptions::new(of_settings.node.as_str()).unwrap();
        assert_eq!(format!("{of_settings:?}"), format!("{of_engine:?}"));
    }
}
