use super::Endpoint;

/// The address of a cluster node, as another node announces it in CLUSTER SLOTS, MOVED or ASK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Announced {
    /// `None` if the cluster does not know it, or is configured not to announce it.
    host: Option<String>,
    port: u16,
}

impl Announced {
    /// A host that is empty, `?` or NULL (here empty) is unknown: the client must use the host that it asked, with the announced
    /// port.
    ///
    /// Source: the documentation of CLUSTER SLOTS, and of `cluster-preferred-endpoint-type` in redis.conf.
    pub(super) fn new(host: &str, port: u16) -> Self {
        Self { host: Some(host).filter(|host| !matches!(*host, "" | "?")).map(str::to_owned), port }
    }

    /// Parses the `host:port` of a redirect.
    pub(super) fn parse(address: &str) -> Option<Self> {
        let (host, port) = address.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port > 0)?;
        Some(Self::new(host.trim_start_matches('[').trim_end_matches(']'), port))
    }

    /// The address for a client that received it from the server at `asked`.
    pub(super) fn seen_from(&self, asked: &Endpoint) -> Endpoint {
        Endpoint { host: self.host.clone().unwrap_or_else(|| asked.host.clone()), port: self.port }
    }

    /// Whether the host is unknown and the address would be that of the server at `asked`, which redirects to another node.
    pub(super) fn leads_back_to(&self, asked: &Endpoint) -> bool {
        self.host.is_none() && self.port == asked.port
    }

    /// Whether the host is announced.
    pub(super) fn is_known(&self) -> bool {
        self.host.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{Announced, Endpoint};

    #[test]
    fn an_unknown_host_is_the_host_that_was_asked() {
        let asked = Endpoint { host: "asked".to_owned(), port: 1 };
        for (address, is, known) in [
            ("192.0.2.1:7000", "redis://192.0.2.1:7000", true),
            ("2001:db8::7:7000", "redis://[2001:db8::7]:7000", true),
            ("[2001:db8::7]:7000", "redis://[2001:db8::7]:7000", true),
            ("redis-1.example.org:7000", "redis://redis-1.example.org:7000", true),
            (":7000", "redis://asked:7000", false),
            ("?:7000", "redis://asked:7000", false),
        ] {
            let announced = Announced::parse(address).unwrap();
            assert_eq!(announced.seen_from(&asked).to_string(), is);
            assert_eq!(announced.is_known(), known, "{address}");
        }
        for bad in ["", "host", "host:", "host:0", "host:70000"] {
            assert_eq!(Announced::parse(bad), None, "{bad}");
        }
    }
}
