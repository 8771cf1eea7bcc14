use std::fmt;
use std::str::FromStr;

use pubsub_api::settings::without_userinfo;
use pubsub_api::{Error, ErrorKind, Result};

/// The transport of this driver: the part before `://`.
pub(crate) const TRANSPORT: &str = "memory";

/// The default of `publisher_transport`. It is not specific to another driver, so this driver accepts it.
const DEFAULT_TRANSPORT: &str = "tcp";

/// The host that means all hosts, when a publisher binds it.
const ALL_HOSTS: &str = "*";

/// The address of a network publisher: `memory://host:port`. Hosts are only names, nothing is resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// The endpoint that a publisher binds; an IPv6 address gets brackets, as in `publishers_ips`.
    pub(crate) fn to_bind(host: &str, port: u16) -> Self {
        let bare_ipv6 = host.contains(':') && !host.starts_with('[');
        Self { host: if bare_ipv6 { format!("[{host}]") } else { host.to_owned() }, port }
    }

    /// The port; 0 until one is chosen.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The same host with another port.
    pub(crate) fn with_port(&self, port: u16) -> Self {
        Self { host: self.host.clone(), port }
    }

    /// Whether both overlap: they are equal, or have the same port and one host is `*`.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let any_host = self.host == ALL_HOSTS || other.host == ALL_HOSTS;
        self.port == other.port && (any_host || self.host == other.host)
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Unsupported`] for another transport, [`ErrorKind::Invalid`] for anything that cannot be connected to.
    fn from_str(text: &str) -> Result<Self> {
        let shown = without_userinfo(text);
        let refuse = |kind, why: String| Err(Error::new(kind, format!("endpoint {shown:?} {why}")));
        let wanted = "write memory://host:port with a port from 1 to 65535";
        let Some((transport, place)) = text.split_once("://") else {
            return refuse(ErrorKind::Invalid, format!("names no transport; {wanted}"));
        };
        if text.contains('@') {
            return refuse(ErrorKind::Invalid, format!("has a user or a password before `@`; {wanted}"));
        }
        if ![TRANSPORT, DEFAULT_TRANSPORT].contains(&transport) {
            let why = format!("is of transport {transport:?}, but this driver speaks only {TRANSPORT:?}");
            return refuse(ErrorKind::Unsupported, why);
        }
        let (host, port) = place.rsplit_once(':').unwrap_or((place, ""));
        match port.parse() {
            Ok(port @ 1..) if !host.is_empty() && host != ALL_HOSTS && !host.contains('/') => {
                Ok(Self { host: host.to_owned(), port })
            }
            _ => refuse(ErrorKind::Invalid, format!("cannot be connected to; {wanted}")),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TRANSPORT}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, ErrorKind};

    #[test]
    fn an_endpoint_reads_as_it_is_written() {
        for text in ["memory://127.0.0.1:8866", "memory://api-1:1", "memory://[::1]:65535"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        assert_eq!(Endpoint::to_bind("::1", 7).to_string(), "memory://[::1]:7");
    }

    #[test]
    fn an_invalid_endpoint_is_refused_by_cause() {
        for (text, kind) in [
            ("udp://127.0.0.1:8866", ErrorKind::Unsupported),
            ("127.0.0.1:8866", ErrorKind::Invalid),
            ("", ErrorKind::Invalid),
            ("memory://127.0.0.1", ErrorKind::Invalid),
            ("memory://127.0.0.1:0", ErrorKind::Invalid),
            ("memory://127.0.0.1:65536", ErrorKind::Invalid),
            ("memory://:8866", ErrorKind::Invalid),
            ("memory://*:8866", ErrorKind::Invalid),
            ("memory:///run/skimmer.sock", ErrorKind::Invalid),
            ("memory://user:canary@10.0.0.1:1", ErrorKind::Invalid),
            ("canary@10.0.0.1", ErrorKind::Invalid),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert_eq!(error.kind(), kind, "{text}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn the_host_star_overlaps_every_host_of_its_port() {
        let all = Endpoint::to_bind("*", 7);
        assert!(all.overlaps(&Endpoint::to_bind("127.0.0.1", 7)));
        assert!(Endpoint::to_bind("127.0.0.1", 7).overlaps(&all));
        assert!(!all.overlaps(&Endpoint::to_bind("127.0.0.1", 8)));
        assert!(!Endpoint::to_bind("a", 7).overlaps(&Endpoint::to_bind("b", 7)));
    }
}
