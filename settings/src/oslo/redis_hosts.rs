use pubsub_api::settings::{Origin, check_address, check_no_userinfo, quoted};

use super::declared::OptionValue;
use super::options::{At, Options};
use crate::warning::Warning;

/// The address of the database in Dragonflow's options: the hosts of the Redis driver, if that is used.
#[derive(Debug)]
pub(crate) struct RedisHosts {
    /// Each `host:port`, or why they cannot be used.
    pub(crate) hosts: Result<Vec<String>, String>,
    /// Where the option is set that counts; Dragonflow's default if none is.
    pub(crate) origin: Origin,
    /// How Dragonflow 4.0 understands it otherwise.
    pub(crate) warning: Option<Warning>,
    /// Every option that is set: without effect if Redis is not used.
    pub(crate) set: Vec<(&'static str, Origin)>,
}

/// The options, the strongest first.
pub(super) const NAMES: [&str; 3] = ["remote_db_hosts", "remote_db_ip", "remote_db_port"];

impl RedisHosts {
    /// `remote_db_hosts` where it is set, and else `remote_db_ip` and `remote_db_port`: its default is the two of them.
    pub(super) fn read(options: &mut Options<'_>, origin_of: impl Fn(&At) -> Origin) -> Self {
        let set = NAMES.into_iter().filter_map(|name| Some((name, origin_of(&options.raw("df", name)?.at))));
        let set: Vec<_> = set.collect();
        let origin = set.first().map_or(Origin::Dragonflow, |(_, origin)| origin.clone());
        let named = set.first().is_some_and(|(name, _)| *name == "remote_db_hosts");
        let single = host_and_port(options);
        let hosts = if named { listed(options) } else { single.clone().map(|single| vec![single]) };
        let warning = match (&hosts, &single) {
            (Ok(hosts), Ok(single)) if named && set.len() > 1 && !hosts.contains(single) => Some(format!(
                "`remote_db_hosts` counts, as in Dragonflow's last version; Dragonflow 4.0 connects to {single}, which \
                 `remote_db_ip` and `remote_db_port` name and `remote_db_hosts` does not"
            )),
            (_, Ok(single)) if !named && single.starts_with('[') => Some(format!(
                "`remote_db_ip` is an IPv6 address: the host is {single}, where Dragonflow leaves out the brackets"
            )),
            _ => None,
        };
        let warning = warning.map(|text| Warning::at(&origin, text));
        Self { hosts, origin, warning, set }
    }
}

fn host_and_port(options: &mut Options<'_>) -> Result<String, String> {
    let ip = options.value("df", "remote_db_ip")?.to_text();
    let OptionValue::Integer(port) = options.value("df", "remote_db_port")? else {
        return Err("`remote_db_port` wants a whole number from 0 to 65535, not \"\"".to_owned());
    };
    Ok(if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") })
}

fn listed(options: &mut Options<'_>) -> Result<Vec<String>, String> {
    let wants = |came: String| format!("`remote_db_hosts` wants `host:port` or `[ipv6]:port`, not {came}");
    // Before it is expanded: a message would show what follows a `$` in a password as the name of an option.
    if let Some(raw) = options.raw("df", "remote_db_hosts") {
        check_no_userinfo(raw.text).map_err(wants)?;
    }
    let OptionValue::List(hosts) = options.value("df", "remote_db_hosts")? else {
        return Ok(Vec::new());
    };
    for host in &hosts {
        check_address(host).map_err(wants)?;
        let port = host.rsplit_once(']').map_or(host.as_str(), |(_, port)| port);
        // An IPv6 address without brackets has no port either: its last group may look like one.
        if port.matches(':').count() != 1 {
            return Err(wants(quoted(host)));
        }
    }
    if hosts.is_empty() { Err(wants("\"\"".to_owned())) } else { Ok(hosts) }
}
