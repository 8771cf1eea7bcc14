use std::net::IpAddr;

/// Returns the endpoint of the link to one address of a name: the registered endpoint, `/` and the address.
///
/// ```
/// use pubsub_api::{link_endpoint, registered_endpoint};
///
/// let link = link_endpoint("tcp://publishers.example:8866", "192.0.2.1".parse()?);
/// assert_eq!(link, "tcp://publishers.example:8866/192.0.2.1");
/// assert_eq!(registered_endpoint(&link), "tcp://publishers.example:8866");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn link_endpoint(registered: &str, address: IpAddr) -> String {
    format!("{registered}/{address}")
}

/// Returns the registered endpoint of a link. Returns an endpoint unchanged if it is not a link to an address of a
/// name.
///
/// ```
/// use pubsub_api::registered_endpoint;
///
/// assert_eq!(registered_endpoint("tcp://192.0.2.1:8866"), "tcp://192.0.2.1:8866");
/// assert_eq!(registered_endpoint("tcp://publishers.example:8866/2001:db8::1"), "tcp://publishers.example:8866");
/// ```
#[must_use]
pub fn registered_endpoint(link: &str) -> &str {
    match link.rsplit_once('/') {
        Some((registered, address)) if is_name(registered) && address.parse::<IpAddr>().is_ok() => registered,
        _ => link,
    }
}

/// Whether a host is between `tcp://` and the address: `tcp://::1` alone is not a link.
fn is_name(registered: &str) -> bool {
    registered.split_once("://").is_some_and(|(_, host)| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::registered_endpoint;

    #[test]
    fn only_an_address_after_a_host_is_cut_off() {
        for (link, registered) in [
            ("tcp://a:1/192.0.2.1", "tcp://a:1"),
            ("tcp://a:1/2001:db8::1", "tcp://a:1"),
            ("tcp://a:1", "tcp://a:1"),
            ("tcp://192.0.2.1", "tcp://192.0.2.1"),
            ("tcp://192.0.2.1:1", "tcp://192.0.2.1:1"),
            ("redis://a:1/0", "redis://a:1/0"),
            ("a", "a"),
        ] {
            assert_eq!(registered_endpoint(link), registered, "{link}");
        }
    }
}
