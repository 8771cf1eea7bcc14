use std::net::IpAddr;
use std::str::FromStr;

use pubsub_api::{Posture, Verdict};

/// A network of addresses: `10.1.0.0/16`, `2001:db8::/32`, or one address.
///
/// ```
/// use drivers_zmtp::Network;
///
/// let network: Network = "10.1.0.0/16".parse()?;
/// assert!(network.contains("10.1.2.3".parse()?));
/// assert!(network.contains("::ffff:10.1.2.3".parse()?));
/// assert!(!network.contains("10.2.0.1".parse()?));
/// assert!("::ffff:10.1.0.0/80".parse::<Network>().is_err());
/// assert!("10.1.0.0/33".parse::<Network>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// The prefix of IPv4 addresses that are written as IPv6 addresses, `::ffff:0:0/96` (RFC 4291, section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

impl Network {
    /// Whether the address lies in it. An IPv4 address that came over IPv6 (`::ffff:a.b.c.d`) counts as itself.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same_prefix(u128::from(own.to_bits()), u128::from(other.to_bits()), 32 - self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                same_prefix(own.to_bits(), other.to_bits(), 128 - self.prefix)
            }
            _ => false,
        }
    }

    /// Who may connect by address.
    pub(crate) fn posture(allowed: &[Self]) -> Posture {
        if allowed.is_empty() {
            let state = "connections from any address are accepted";
            return Posture::new(ADDRESSES, Verdict::Open, state)
                .remedy("drivers.zmtp.allow_from limits them");
        }
        let state = format!("connections from {} networks are accepted", allowed.len());
        Posture::new(ADDRESSES, Verdict::Good, state)
    }
}

const ADDRESSES: &str = "addresses";

/// Whether two addresses are the same but for the last `host_bits`.
fn same_prefix(one: u128, other: u128, host_bits: u8) -> bool {
    (one ^ other).checked_shr(u32::from(host_bits)).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a network; write it as 10.1.0.0/16, 2001:db8::/32 or 192.0.2.1");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| wrong())?,
            None => longest,
        };
        if prefix > longest {
            return Err(format!("{text:?}: the prefix has at most {longest} bits"));
        }
        // Addresses are compared as IPv4 addresses where they are, so the networks must be, too.
        match address.to_canonical() {
            IpAddr::V4(own) if address.is_ipv6() && prefix >= MAPPED_BITS => {
                Ok(Self { address: IpAddr::V4(own), prefix: prefix - MAPPED_BITS })
            }
            IpAddr::V4(_) if address.is_ipv6() => {
                Err(format!("{text:?} is wider than all IPv4 addresses; write it as 0.0.0.0/0"))
            }
            _ => Ok(Self { address, prefix }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        for (network, address, inside) in [
            ("10.1.0.0/16", "10.1.255.1", true),
            ("10.1.0.0/16", "10.2.0.1", false),
            ("10.1.0.0/16", "::ffff:10.1.0.9", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "::1", true),
            ("::ffff:10.1.0.0/112", "10.1.255.1", true),
            ("::ffff:10.1.0.0/112", "::ffff:10.2.0.1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:0:0/96", "203.0.113.7", true),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), inside, "{address} in {network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused_in_words() {
        for (text, word) in [
            ("10.0.0.0/33", "32 bits"),
            ("::/129", "128 bits"),
            ("10.0/8", "not a network"),
            ("a/b", "not a network"),
        ] {
            let error = text.parse::<Network>().unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
