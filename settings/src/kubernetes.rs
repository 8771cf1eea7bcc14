use std::net::IpAddr;

/// Whether a variable is one that Kubernetes sets in every container for each Service of the namespace, unless the pod has
/// `enableServiceLinks: false`: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>.
///
/// For a Service of which `S` is the name in capitals these are `S_SERVICE_HOST`, `S_SERVICE_PORT`, `S_SERVICE_PORT_NAME`,
/// `S_PORT`, `S_PORT_80_TCP` and `S_PORT_80_TCP_PROTO`, `_PORT` and `_ADDR`, with `UDP` and `SCTP` likewise. Name and value
/// must both have that form.
pub(super) fn is_service_link(name: &str, value: &str) -> bool {
    if name.ends_with("_SERVICE_HOST") {
        return value.parse::<IpAddr>().is_ok();
    }
    if let Some((_, port_name)) = name.split_once("_SERVICE_PORT") {
        return (port_name.is_empty() || port_name.starts_with('_')) && is_port(value);
    }
    if name.ends_with("_PORT") && is_url(value) {
        return true;
    }
    match part_of_port(name) {
        Some("") => is_url(value),
        Some("_PROTO") => ["tcp", "udp", "sctp"].contains(&value),
        Some("_PORT") => is_port(value),
        Some("_ADDR") => value.parse::<IpAddr>().is_ok(),
        _ => false,
    }
}

/// What follows `_PORT_80_TCP`.
fn part_of_port(name: &str) -> Option<&str> {
    name.match_indices("_PORT_").find_map(|(at, word)| {
        let rest = name.get(at + word.len()..)?;
        let (number, rest) = rest.split_once('_')?;
        let part = ["TCP", "UDP", "SCTP"].into_iter().find_map(|protocol| rest.strip_prefix(protocol))?;
        is_port(number).then_some(part)
    })
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// `tcp://10.96.3.4:8866`; an IPv6 address stands in brackets.
fn is_url(text: &str) -> bool {
    let Some((protocol, address)) = text.split_once("://") else { return false };
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ["tcp", "udp", "sctp"].contains(&protocol) && host.parse::<IpAddr>().is_ok() && is_port(port)
}

#[cfg(test)]
mod tests {
    use super::is_service_link;

    #[test]
    fn a_service_link_has_the_form_that_kubernetes_writes_in_name_and_value() {
        for (name, value) in [
            ("SKIMMER_SERVICE_HOST", "10.96.3.4"),
            ("SKIMMER_PUBLISHER_SERVICE_HOST", "fd00::1"),
            ("SKIMMER_SERVICE_PORT", "8866"),
            ("SKIMMER_SERVICE_PORT_EVENTS", "8866"),
            ("SKIMMER_PORT", "tcp://10.96.3.4:8866"),
            ("SKIMMER_PUBLISHER_PORT", "udp://[fd00::1]:53"),
            ("SKIMMER_PORT_8866_TCP", "tcp://10.96.3.4:8866"),
            ("SKIMMER_PORT_8866_TCP_PROTO", "tcp"),
            ("SKIMMER_PORT_8866_SCTP_PORT", "8866"),
            ("SKIMMER_PORT_8866_UDP_ADDR", "10.96.3.4"),
        ] {
            assert!(is_service_link(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("SKIMMER_SERVICE_HOST", "localhost"),
            ("SKIMMER_SERVICE_PORT", "0"),
            ("SKIMMER_SERVICE_PORTS", "8866"),
            ("SKIMMER_PUBLISHER_PROT", "tcp://10.96.3.4:8866"),
            ("SKIMMER_PUBLISHER_PORT", "8866x"),
            ("SKIMMER_PORT", "http://10.96.3.4:8866"),
            ("SKIMMER_PORT", "tcp://10.96.3.4"),
            ("SKIMMER_PORT_X_TCP", "tcp://10.96.3.4:8866"),
            ("SKIMMER_PORT_8866_TCP_NAME", "tcp"),
            ("SKIMMER_LINGR", "10.96.3.4"),
        ] {
            assert!(!is_service_link(name, value), "{name}={value}");
        }
    }
}
