use std::net::{IpAddr, SocketAddr};

use pubsub_api::{Error, ErrorKind, Result};

use crate::tcp::resolve;

/// Whether a publisher that authenticates nobody may bind an address that other hosts can connect to
/// (`allow_unauthenticated`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// It may bind loopback addresses only.
    Refused,
    /// It may bind any address; the operator is warned.
    Allowed,
}

impl Exposure {
    /// Of the setting `allow_unauthenticated`.
    #[must_use]
    pub fn of_setting(allow_unauthenticated: bool) -> Self {
        if allow_unauthenticated { Self::Allowed } else { Self::Refused }
    }

    /// Checks the host that such a publisher binds. Returns a warning for the operator if other hosts can connect to it.
    ///
    /// `host` is as for [`tcp`](crate::tcp); a name is resolved, which may wait for a name server. `remedy` is the line of
    /// the settings with which the publisher authenticates its subscribers: the error has this line, and the one that
    /// permits the address all the same.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Settings`] if it is [`Refused`](Self::Refused), and an address of the host is not a loopback address
    ///   (127.0.0.0/8, `::1`).
    /// - As [`tcp`](crate::tcp) if the host is empty or cannot be resolved.
    ///
    /// ```
    /// use listen::Exposure;
    ///
    /// let remedy = "mechanism = \"curve\"";
    /// assert_eq!(Exposure::Refused.check("127.0.0.1", remedy)?, None);
    /// assert!(Exposure::Allowed.check("*", remedy)?.is_some());
    /// let error = Exposure::Refused.check("*", remedy).unwrap_err().to_string();
    /// assert!(error.contains(remedy) && error.contains("allow_unauthenticated = true"));
    /// # Ok::<(), pubsub_api::Error>(())
    /// ```
    pub fn check(self, host: &str, remedy: &str) -> Result<Option<String>> {
        if resolve(host, 0)?.iter().all(is_loopback) {
            return Ok(None);
        }
        let danger = format!("any host that can connect to {host} can read all events and request all rows");
        match self {
            Self::Allowed => Ok(Some(format!("allow_unauthenticated = true: {danger}"))),
            Self::Refused => Err(Error::new(
                ErrorKind::Settings,
                format!(
                    "subscribers are not authenticated, so that {danger}. Set one of:\n  {remedy}\n  \
                     allow_unauthenticated = true    # in [pubsub]; for a trusted network only"
                ),
            )),
        }
    }
}

fn is_loopback(address: &SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.to_canonical().is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::ErrorKind;

    use super::Exposure;

    #[test]
    fn an_address_is_refused_if_other_hosts_can_connect_to_it() {
        for host in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1", "localhost"] {
            assert_eq!(Exposure::Refused.check(host, "remedy").unwrap(), None, "{host}");
        }
        for host in ["*", "0.0.0.0", "::", "[::]", "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"] {
            let error = Exposure::Refused.check(host, "remedy").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Settings, "{host}");
        }
    }
}
