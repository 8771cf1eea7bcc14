use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use listen::is_loopback;
use pubsub_api::Result;

/// Where an endpoint listens: the value of `operations_bind`.
///
/// ```
/// use operations::OperationsAddress;
///
/// let address: OperationsAddress = "[::1]:9466".parse()?;
/// assert_eq!(address, OperationsAddress::Tcp { host: "[::1]".to_owned(), port: 9466 });
/// assert!("9466".parse::<OperationsAddress>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationsAddress {
    /// A TCP port.
    Tcp {
        /// An IP address, a name, or `*` for every IPv4 address of the host.
        host: String,
        /// The port; 0 for any free one.
        port: u16,
    },
    /// A socket file of mode 0660.
    Unix(PathBuf),
}

impl OperationsAddress {
    /// Whether other hosts can connect to it. A name is resolved, which may wait for a name server.
    ///
    /// # Errors
    /// As [`is_loopback`].
    pub(crate) fn is_exposed(&self) -> Result<bool> {
        match self {
            Self::Tcp { host, .. } => is_loopback(host).map(|is_loopback| !is_loopback),
            Self::Unix(_) => Ok(false),
        }
    }
}

impl FromStr for OperationsAddress {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() {
                Ok(Self::Unix(path))
            } else {
                Err(format!("{text:?} has no absolute path; write it as unix:/run/skimmer/service.http"))
            };
        }
        let wrong = || format!("{text:?} is not an address; write it as 127.0.0.1:9466 or unix:/path");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let is_bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        let port = port.parse().map_err(|_| wrong())?;
        if host.is_empty() || is_bare_ipv6 || host.contains(['/', '@']) {
            return Err(wrong());
        }
        Ok(Self::Tcp { host: host.to_owned(), port })
    }
}

impl fmt::Display for OperationsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OperationsAddress;

    #[test]
    fn an_address_has_a_host_and_a_port_or_is_an_absolute_path() {
        for text in ["127.0.0.1:9466", "[::1]:0", "*:80", "localhost:1", "unix:/run/a.http"] {
            assert_eq!(text.parse::<OperationsAddress>().unwrap().to_string(), text);
        }
        for text in
            ["", ":9466", "::1:9466", "host", "host:65536", "unix:", "unix:a", "http://host:1", "a@b:1"]
        {
            assert!(text.parse::<OperationsAddress>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_address_is_exposed_if_other_hosts_can_connect_to_it() {
        for (text, exposed) in [
            ("127.0.0.1:1", false),
            ("[::1]:1", false),
            ("unix:/run/a", false),
            ("*:1", true),
            ("0.0.0.0:1", true),
            ("[::]:1", true),
            ("192.0.2.1:1", true),
        ] {
            let address: OperationsAddress = text.parse().unwrap();
            assert_eq!(address.is_exposed().unwrap(), exposed, "{text}");
        }
    }
}
