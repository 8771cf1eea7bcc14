use std::fmt;

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Endpoint {
    /// A name or an IP address, without brackets.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
}

impl Endpoint {
    /// Parses `host:port`. The host may be an IPv6 address without brackets, as Redis writes it. An empty host means
    /// `same_host`: a node that does not know its own address announces it so.
    pub(crate) fn parse(address: &str, same_host: &str) -> Option<Self> {
        let (host, port) = address.rsplit_once(':')?;
        let host = match host.trim_start_matches('[').trim_end_matches(']') {
            "" | "?" => same_host,
            host => host,
        };
        let port = port.parse().ok().filter(|port| *port > 0)?;
        (!host.is_empty()).then(|| Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "redis://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "redis://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn addresses_from_redis_and_from_settings_are_parsed() {
        for (address, is) in [
            ("127.0.0.1:6379", "redis://127.0.0.1:6379"),
            ("[::1]:6379", "redis://[::1]:6379"),
            ("2001:db8::7:6379", "redis://[2001:db8::7]:6379"),
            ("redis-1.example.org:1", "redis://redis-1.example.org:1"),
            (":7000", "redis://asked:7000"),
            ("?:7000", "redis://asked:7000"),
        ] {
            assert_eq!(Endpoint::parse(address, "asked").unwrap().to_string(), is);
        }
        for bad in ["", "host", "host:", "host:0", "host:70000", "host:7x"] {
            assert_eq!(Endpoint::parse(bad, "asked"), None, "{bad}");
        }
    }
}
