use std::net::{IpAddr, SocketAddr};

use pubsub_api::{Error, ErrorKind, Posture, Result, Verdict};

use crate::tcp::resolve;

/// Whether a publisher that authenticates nobody may bind an address that other hosts can connect to
/// (`allow_unauthenticated`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// It may bind loopback addresses only.
    Refused,
    /// It may bind any address.
    Allowed,
}

impl Exposure {
    /// Of the setting `allow_unauthenticated`.
    #[must_use]
    pub fn of_setting(allow_unauthenticated: bool) -> Self {
        if allow_unauthenticated { Self::Allowed } else { Self::Refused }
    }

    /// Checks the host that such a publisher binds.
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
    /// assert!(Exposure::Refused.check("127.0.0.1", remedy).is_ok());
    /// assert!(Exposure::Allowed.check("*", remedy).is_ok());
    /// let error = Exposure::Refused.check("*", remedy).unwrap_err().to_string();
    /// assert!(error.contains(remedy) && error.contains("allow_unauthenticated = true"));
    /// # Ok::<(), pubsub_api::Error>(())
    /// ```
    pub fn check(self, host: &str, remedy: &str) -> Result<()> {
        if self == Self::Allowed || is_loopback(host)? {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Settings,
            format!(
                "subscribers are not authenticated, so that any host that can connect to {host} can read all events and \
                 request all rows. Set one of:\n  {remedy}\n  allow_unauthenticated = true    # in [pubsub]; for a \
                 trusted network only"
            ),
        ))
    }

    /// How good the host is, for a publisher that authenticates nobody.
    #[must_use]
    pub fn posture(self, host: &str) -> Posture {
        if is_loopback(host).unwrap_or_default() {
            let state = format!("not authenticated; only this host can connect to {host}");
            return Posture::new(ASPECT, Verdict::Good, state);
        }
        let state = format!("not authenticated; any host that can connect to {host} can read all events");
        let remedy =
            "allow_unauthenticated permits it; drivers.zmtp.mechanism = \"curve\" authenticates subscribers";
        Posture::new(ASPECT, Verdict::Weak, state).remedy(remedy)
    }
}

const ASPECT: &str = "subscribers";

/// Whether only this host can connect to all addresses of a host, which is as for [`tcp`](crate::tcp).
///
/// # Errors
/// As [`tcp`](crate::tcp) if the host is empty or cannot be resolved.
pub fn is_loopback(host: &str) -> Result<bool> {
    Ok(resolve(host, 0)?.iter().all(is_loopback_address))
}

fn is_loopback_address(address: &SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.to_canonical().is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use pubsub_api::{ErrorKind, Verdict};

    use super::Exposure;

    #[test]
    fn an_address_is_refused_if_other_hosts_can_connect_to_it() {
        for host in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1", "localhost"] {
            assert!(Exposure::Refused.check(host, "remedy").is_ok(), "{host}");
            assert_eq!(Exposure::Allowed.posture(host).verdict, Verdict::Good, "{host}");
        }
        for host in ["*", "0.0.0.0", "::", "[::]", "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"] {
            let error = Exposure::Refused.check(host, "remedy").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Settings, "{host}");
            assert_eq!(Exposure::Allowed.posture(host).verdict, Verdict::Weak, "{host}");
        }
    }
}
