use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses of this host that other hosts may reach: neither loopback nor link-local.
///
/// They are read from procfs, because the service may run without access to netlink (`RestrictAddressFamilies`). Files
/// that cannot be read are skipped.
pub(crate) fn local_addresses() -> BTreeSet<IpAddr> {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/net/{name}")).unwrap_or_default();
    let addresses = ipv4(&read("fib_trie")).into_iter().map(IpAddr::from);
    addresses.chain(ipv6(&read("if_inet6")).into_iter().map(IpAddr::from)).collect()
}

/// Reads the tree of IPv4 routes: a leaf, `|-- 10.0.0.5`, is an address of this host if `/32 host LOCAL` follows.
fn ipv4(fib_trie: &str) -> BTreeSet<Ipv4Addr> {
    let (mut leaf, mut found) = (None, BTreeSet::new());
    for line in fib_trie.lines().map(str::trim) {
        if let Some((_, address)) = line.split_once("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        } else if line.starts_with("/32 host LOCAL") {
            found.extend(leaf.filter(|address| !address.is_loopback() && !address.is_link_local()));
        }
    }
    found
}

/// Reads lines of address, interface, prefix length, scope, flags and name; scope 0 is global.
fn ipv6(if_inet6: &str) -> BTreeSet<Ipv6Addr> {
    /// A temporary address (RFC 8981): it changes, so agents cannot rely on it.
    const TEMPORARY: u8 = 0x01;
    let address = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [address, _, _, scope, flags, _] = fields.as_slice() else { return None };
        let is_temporary = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & TEMPORARY != 0);
        let bits = u128::from_str_radix(address, 16).ok()?;
        (*scope == "00" && !is_temporary).then_some(Ipv6Addr::from_bits(bits))
    };
    if_inet6.lines().filter_map(address).filter(|address| !address.is_loopback()).collect()
}

#[cfg(test)]
mod tests {
    use super::{ipv4, ipv6, local_addresses};

    #[test]
    fn ipv4_addresses_are_the_local_leaves_of_the_tree_without_loopback_and_link_local_ones() {
        let tree = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n\
                    Local:\n     |-- 10.0.0.0\n        /24 link UNICAST\n        |-- 10.0.0.5\n           /32 host LOCAL\n\
                    \x20       |-- 10.0.0.255\n           /32 link BROADCAST\n     |-- 127.0.0.1\n        /32 host LOCAL\n\
                    \x20    |-- 169.254.7.1\n        /32 host LOCAL\n     |-- 10.0.0.5\n        /32 host LOCAL\n";
        let found: Vec<_> = ipv4(tree).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.0.5"]);
        assert!(ipv4("nonsense").is_empty());
    }

    #[test]
    fn ipv6_addresses_are_the_global_ones_that_are_not_temporary() {
        let table = "00000000000000000000000000000001 01 80 10 80       lo\n\
                     fe80000000000000021122fffe334455 02 40 20 80     eth0\n\
                     20010db8000000000000000000000005 02 40 00 80     eth0\n\
                     20010db80000000000000000deadbeef 02 40 00 01     eth0\nnonsense\n";
        let found: Vec<_> = ipv6(table).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["2001:db8::5"]);
    }

    #[test]
    fn the_addresses_of_this_host_are_read_without_loopback() {
        assert!(local_addresses().iter().all(|address| !address.is_loopback() && !address.is_unspecified()));
    }
}
