use std::net::{Ipv4Addr, Ipv6Addr};

use errors::{Error, ErrorKind, Result};

use crate::{check_no_userinfo, quoted};

/// Returns the endpoint of an entry of `publishers_ips`, as in `tcp://10.0.0.1:8866`.
///
/// The entry is an IPv4 or IPv6 address or a host name, with or without its own port; an IPv6 address with a port is in
/// brackets (RFC 3986, 3.2.2) and may have a zone. A host name is not resolved here.
///
/// # Errors
///
/// [`ErrorKind::Settings`] if the entry is none of these, or if neither it nor `default_port` has a port above 0.
///
/// ```
/// use settings_declaration::endpoint;
///
/// assert_eq!(endpoint("tcp", "10.0.0.1", 8866)?, "tcp://10.0.0.1:8866");
/// assert_eq!(endpoint("tcp", "::1", 8866)?, "tcp://[::1]:8866");
/// assert_eq!(endpoint("tcp", "[::1]:9000", 8866)?, "tcp://[::1]:9000");
/// # Ok::<(), errors::Error>(())
/// ```
pub fn endpoint(transport: &str, entry: &str, default_port: u16) -> Result<String> {
    let refuse = |text| Error::new(ErrorKind::Settings, text);
    let wants = |came| {
        refuse(format!(
            "`publishers_ips` wants addresses, each `ip`, `ip:port`, `host` or `host:port`, not {came}"
        ))
    };
    let (host, port) = split(entry).map_err(wants)?;
    match port.unwrap_or(default_port) {
        0 => Err(refuse(format!(
            "{host} in `publishers_ips` needs a port of its own, as `publisher_port` is 0"
        ))),
        port => Ok(format!("{transport}://{host}:{port}")),
    }
}

/// Checks that [`endpoint`] accepts the entry, given a port.
///
/// # Errors
/// A description of the wrong entry, in words that fit after *not*.
///
/// ```
/// use settings_declaration::check_address;
///
/// assert!(check_address("api-1.example:8866").is_ok());
/// assert!(check_address("[2001:db8::1]:8866").is_ok());
/// assert!(check_address("tcp://10.0.0.1").is_err(), "another setting decides the transport");
/// assert!(check_address("2001:db8::1:8866:x").is_err());
/// ```
pub fn check_address(entry: &str) -> Result<(), String> {
    split(entry).map(|_| ())
}

/// Returns the host, in brackets if it is IPv6, and the port if there is one.
fn split(entry: &str) -> Result<(String, Option<u16>), String> {
    check_no_userinfo(entry)?;
    if entry.contains("://") {
        return Err(format!(
            "{}: leave out the transport and `://`, which other settings decide",
            quoted(entry)
        ));
    }
    if is_ipv6(entry) {
        return Ok((format!("[{entry}]"), None));
    }
    if let Some((inside, rest)) = entry.strip_prefix('[').and_then(|entry| entry.split_once(']')) {
        if !is_ipv6(inside) {
            return Err(format!("{}, which has no IPv6 address in its brackets", quoted(entry)));
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((format!("[{inside}]"), Some(read_port(entry, port)?))),
            None if rest.is_empty() => Ok((format!("[{inside}]"), None)),
            None => Err(format!("{}: only `:` and a port may follow the bracket", quoted(entry))),
        };
    }
    let (host, port) = match entry.split_once(':') {
        Some((_, port)) if port.contains(':') => {
            return Err(format!("{}: write an IPv6 address with a port as `[ip]:port`", quoted(entry)));
        }
        Some((host, port)) => (host, Some(read_port(entry, port)?)),
        None => (entry, None),
    };
    if is_ipv4_or_name(host) { Ok((host.to_owned(), port)) } else { Err(quoted(entry)) }
}

fn read_port(entry: &str, port: &str) -> Result<u16, String> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(number) if digits && number > 0 => Ok(number),
        _ => Err(format!("{}, whose port is not a whole number from 1 to 65535", quoted(entry))),
    }
}

fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "lo"));
    let zone_is_name =
        !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    zone_is_name && address.parse::<Ipv6Addr>().is_ok()
}

/// Accepts names by RFC 1123, 2.1, and the underscores of container networks; a name that ends in a number is an IPv4
/// address or a mistake.
fn is_ipv4_or_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let last_is_number =
        host.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    if last_is_number {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    host.len() <= 253 && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn an_entry_with_or_without_a_port_becomes_an_endpoint() {
        for (entry, is) in [
            ("10.0.0.1", "tcp://10.0.0.1:8866"),
            ("10.0.0.1:9000", "tcp://10.0.0.1:9000"),
            ("::1", "tcp://[::1]:8866"),
            ("[::1]", "tcp://[::1]:8866"),
            ("[2001:db8::7]:9000", "tcp://[2001:db8::7]:9000"),
            ("fe80::1%eth0", "tcp://[fe80::1%eth0]:8866"),
            ("api-1.example.org", "tcp://api-1.example.org:8866"),
            ("api_1:65535", "tcp://api_1:65535"),
        ] {
            assert_eq!(endpoint("tcp", entry, 8866).unwrap(), is, "{entry}");
        }
        assert_eq!(endpoint("epgm", "10.0.0.1", 1).unwrap(), "epgm://10.0.0.1:1");
    }

    #[test]
    fn an_entry_that_is_no_address_is_refused_saying_why() {
        for (entry, says) in [
            ("", "not \"\""),
            ("*", "not \"*\""),
            ("10.0.0.256", "not \"10.0.0.256\""),
            ("10.0.0.1:", "from 1 to 65535"),
            ("10.0.0.1:0", "from 1 to 65535"),
            ("10.0.0.1:+80", "from 1 to 65535"),
            ("10.0.0.1:65536", "from 1 to 65535"),
            ("1:2:3", "`[ip]:port`"),
            ("[10.0.0.1]:80", "no IPv6 address"),
            ("[::1]80", "only `:` and a port"),
            ("tcp://10.0.0.1", "leave out the transport"),
            ("a b", "not \"a b\""),
            ("a..b", "not \"a..b\""),
        ] {
            let error = endpoint("tcp", entry, 8866).unwrap_err().to_string();
            assert!(error.contains(says), "{entry}: {error}");
        }
        let error = endpoint("redis", "redis://user:secret@10.0.0.1", 1).unwrap_err().to_string();
        assert!(error.contains("write `host:port` alone"), "{error}");
        assert!(!error.contains("secret") && !error.contains("user:"), "{error}");
        let error = endpoint("tcp", "10.0.0.1", 0).unwrap_err().to_string();
        assert!(error.contains("needs a port"), "{error}");
    }
}
