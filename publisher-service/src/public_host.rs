use std::collections::BTreeSet;
use std::net::IpAddr;

use pubsub_api::settings::{PubSub, endpoint};
use pubsub_api::{Error, ErrorKind, Result};

/// The host for the directory if the publisher binds a wildcard address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicHost {
    /// An IP address or a name.
    pub(crate) host: String,
    /// A warning for the operator.
    pub(crate) warning: Option<String>,
}

/// What the choice depends on, besides the addresses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    /// Whether the database, and with it the directory, is shared between hosts.
    pub(crate) joins_hosts: bool,
    /// Whether `management_ip` is set in the settings (not the default).
    pub(crate) is_set: bool,
}

/// Which addresses a wildcard binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum All {
    /// `*` and `0.0.0.0`.
    Ipv4,
    /// `::`, which binds IPv4 too unless `net.ipv6.bindv6only` is 1.
    Ipv6,
}

impl PublicHost {
    /// `management_ip` if it is set. Otherwise, if the directory is shared between hosts, the only address of this host.
    /// `local` returns the addresses of this host that are neither loopback nor link-local.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if `management_ip` is not an address that agents can connect to, or if it is not set and the
    /// host has several addresses.
    pub(crate) fn of(
        pubsub: &PubSub,
        management_ip: &str,
        circumstances: Circumstances,
        local: impl FnOnce() -> BTreeSet<IpAddr>,
    ) -> Result<Self> {
        let set = checked(management_ip)?;
        let (host, joins_hosts) = (management_ip.to_owned(), circumstances.joins_hosts);
        let Some(all) = All::of(&pubsub.publisher_bind_address) else {
            let bound = &pubsub.publisher_bind_address;
            let is_unreachable = joins_hosts && is_loopback(bound);
            let warning = is_unreachable.then(|| unreachable("publisher_bind_address", bound));
            return Ok(Self { host, warning });
        };
        if all == All::Ipv4 && set.is_some_and(|ip| ip.is_ipv6()) {
            return Err(refusal(format!(
                "management_ip is {host}, and publisher_bind_address = {} binds IPv4 addresses only: set \
                 publisher_bind_address = \"::\"",
                pubsub.publisher_bind_address
            )));
        }
        if circumstances.is_set || !joins_hosts {
            let warning = (joins_hosts && is_loopback(&host)).then(|| unreachable("management_ip", &host));
            return Ok(Self { host, warning });
        }
        all.only_one_of(&local()).unwrap_or_else(|| {
            let text = "management_ip is not set, and this host has only loopback addresses: the loopback address is put \
                        into the directory, but agents on other hosts cannot connect to it";
            Ok(Self { host, warning: Some(text.to_owned()) })
        })
    }
}

impl PublicHost {
    /// Checks that `management_ip` is an address or a host name that agents can connect to.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] if it is not.
    pub(crate) fn check_name(management_ip: &str) -> Result<()> {
        checked(management_ip).map(drop)
    }
}

impl All {
    fn of(bind_address: &str) -> Option<Self> {
        let bare = bind_address.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(ip) if ip.is_unspecified() => Some(if ip.is_ipv6() { Self::Ipv6 } else { Self::Ipv4 }),
            _ => (bare == "*").then_some(Self::Ipv4),
        }
    }

    /// The only address of the host that this wildcard binds; `None` if there is no address. IPv6 is preferred if both
    /// families are bound.
    fn only_one_of(self, local: &BTreeSet<IpAddr>) -> Option<Result<PublicHost>> {
        let (ipv4, ipv6): (Vec<&IpAddr>, Vec<&IpAddr>) = local.iter().partition(|ip| ip.is_ipv4());
        let candidates = if self == Self::Ipv6 && !ipv6.is_empty() { ipv6 } else { ipv4 };
        match candidates.as_slice() {
            [] => None,
            [only] => Some(Ok(PublicHost {
                host: only.to_string(),
                warning: Some(format!(
                    "management_ip is not set: {only}, the only address of this host, is put into the directory; to use \
                     another address, set management_ip"
                )),
            })),
            several => {
                let several: Vec<_> = several.iter().map(ToString::to_string).collect();
                Some(Err(refusal(format!(
                    "management_ip is not set, and this host has the addresses {}: set management_ip to the address that \
                     agents should connect to",
                    several.join(", ")
                ))))
            }
        }
    }
}

/// The address in `management_ip`; `None` if it is a host name.
fn checked(management_ip: &str) -> Result<Option<IpAddr>> {
    let ip = management_ip.parse::<IpAddr>().ok();
    let is_named = endpoint("tcp", management_ip, 1).is_ok_and(|endpoint| endpoint.ends_with(":1"));
    if ip.is_some_and(|ip| ip.is_unspecified()) || !is_named {
        return Err(refusal(format!(
            "management_ip is {management_ip:?}, which is not an address that agents can connect to: write an IP address \
             or a host name"
        )));
    }
    Ok(ip)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The warning of an address in the directory that other hosts cannot connect to.
fn unreachable(setting: &str, address: &str) -> String {
    format!(
        "{setting} = {address}: this address is put into the directory, but agents on other hosts cannot connect to it"
    )
}

fn refusal(text: String) -> Error {
    Error::new(ErrorKind::Settings, text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pubsub_api::settings::PubSub;
    use settings::Sources;

    use super::{Circumstances, PublicHost};

    fn pubsub(bind: &str) -> PubSub {
        let sets = vec![format!("publisher_bind_address={bind}")];
        all_settings::load(&Sources { sets, ..Sources::default() }, &[]).unwrap().0.pubsub().clone()
    }

    /// The host with its warning, or the refusal.
    fn host(bind: &str, management_ip: Option<&str>, joins_hosts: bool, local: &[&str]) -> String {
        let circumstances = Circumstances { joins_hosts, is_set: management_ip.is_some() };
        let local: BTreeSet<_> = local.iter().map(|ip| ip.parse().unwrap()).collect();
        match PublicHost::of(&pubsub(bind), management_ip.unwrap_or("127.0.0.1"), circumstances, || local) {
            Ok(PublicHost { host, warning: None }) => host,
            Ok(PublicHost { host, warning: Some(warning) }) => format!("{host} warning: {warning}"),
            Err(refusal) => format!("refused: {refusal}"),
        }
    }

    #[test]
    fn a_management_ip_that_is_set_is_used_and_a_loopback_one_gets_a_warning() {
        assert_eq!(host("*", Some("10.0.0.5"), true, &[]), "10.0.0.5");
        assert_eq!(host("::", Some("api-1"), true, &[]), "api-1");
        assert_eq!(host("::", Some("10.0.0.5"), true, &[]), "10.0.0.5", "it binds IPv4 too");
        let loopback = host("*", Some("127.0.0.2"), true, &["10.0.0.5"]);
        assert!(
            loopback.starts_with("127.0.0.2 warning: management_ip = 127.0.0.2: this address is put"),
            "{loopback}"
        );
        assert_eq!(host("*", Some("127.0.0.2"), false, &[]), "127.0.0.2");
        assert_eq!(
            host("*", None, false, &["10.0.0.5"]),
            "127.0.0.1",
            "the database is not shared between hosts"
        );
    }

    #[test]
    fn without_management_ip_the_only_address_of_the_host_is_used_with_a_warning() {
        for (bind, local, used) in [
            ("*", &["10.0.0.5", "2001:db8::5"][..], "10.0.0.5"),
            ("0.0.0.0", &["10.0.0.5"], "10.0.0.5"),
            ("::", &["10.0.0.5", "2001:db8::5"], "2001:db8::5"),
            ("[::]", &["10.0.0.5"], "10.0.0.5"),
        ] {
            let found = host(bind, None, true, local);
            assert!(
                found.starts_with(&format!("{used} warning: management_ip is not set")),
                "{bind}: {found}"
            );
        }
        let none = host("*", None, true, &["2001:db8::5"]);
        assert!(
            none.starts_with("127.0.0.1 warning: ") && none.contains("has only loopback addresses"),
            "{none}"
        );
    }

    #[test]
    fn several_addresses_without_management_ip_are_refused_and_listed() {
        let found = host("*", None, true, &["10.0.0.5", "172.17.0.1"]);
        assert!(
            found.starts_with("refused: management_ip is not set") && found.contains("10.0.0.5, 172.17.0.1"),
            "{found}"
        );
    }

    #[test]
    fn a_management_ip_that_agents_cannot_connect_to_is_refused() {
        for bad in ["0.0.0.0", "::", "*", "", "tcp://10.0.0.5", "10.0.0.5:8866", "10.0.0.256"] {
            for joins_hosts in [true, false] {
                let found = host("10.0.0.1", Some(bad), joins_hosts, &[]);
                assert!(found.starts_with("refused: management_ip is \""), "{bad}: {found}");
            }
        }
        let other_family = host("*", Some("2001:db8::5"), true, &[]);
        assert!(other_family.contains("binds IPv4 addresses only"), "{other_family}");
    }

    #[test]
    fn a_loopback_bind_address_in_a_directory_shared_between_hosts_gets_a_warning() {
        let found = host("127.0.0.1", None, true, &["10.0.0.5"]);
        assert!(
            found.contains("publisher_bind_address = 127.0.0.1: this address is put into the directory"),
            "{found}"
        );
        assert_eq!(host("10.0.0.5", None, true, &[]), "127.0.0.1", "not used");
        assert_eq!(host("127.0.0.1", None, false, &[]), "127.0.0.1");
    }
}
