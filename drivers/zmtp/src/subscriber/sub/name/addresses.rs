use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// The addresses of a name that are followed, by what its lookups returned. No clock, no lookup.
///
/// An address is added by the first lookup that returns it, and removed by the third in a row that does not: a resolver may
/// return a part of the addresses at a time. A lookup that fails changes nothing.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// Each with the number of lookups in a row that did not return it.
    followed: BTreeMap<IpAddr, (SocketAddr, u32)>,
    /// The addresses for which there is no room.
    left_out: BTreeSet<IpAddr>,
}

/// What a lookup changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) added: Vec<SocketAddr>,
    pub(super) removed: Vec<SocketAddr>,
    /// Whether other addresses than before are left out.
    pub(super) leaves_out_others: bool,
}

/// The addresses of one name that are followed: more publishers than any control plane has.
pub(super) const MAX_ADDRESSES: usize = 64;

/// Lookups in a row that do not return an address, after which it is removed.
pub(super) const GONE_AFTER: u32 = 3;

impl Addresses {
    pub(super) fn len(&self) -> usize {
        self.followed.len()
    }

    /// The addresses that are not followed, since there are too many.
    pub(super) fn left_out(&self) -> &BTreeSet<IpAddr> {
        &self.left_out
    }

    /// A lookup returned these.
    pub(super) fn found(&mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Change {
        let found: BTreeMap<IpAddr, SocketAddr> =
            addresses.into_iter().map(|address| (address.ip(), address)).collect();
        let mut change = Change::default();
        self.followed.retain(|ip, (address, missing)| {
            *missing = if found.contains_key(ip) { 0 } else { *missing + 1 };
            if *missing >= GONE_AFTER {
                change.removed.push(*address);
            }
            *missing < GONE_AFTER
        });
        let mut left_out = BTreeSet::new();
        for (ip, address) in found {
            if self.followed.contains_key(&ip) {
                continue;
            }
            if self.followed.len() < MAX_ADDRESSES {
                self.followed.insert(ip, (address, 0));
                change.added.push(address);
            } else {
                left_out.insert(ip);
            }
        }
        change.leaves_out_others = left_out != self.left_out;
        self.left_out = left_out;
        change
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{Addresses, Change, MAX_ADDRESSES};

    fn address(last: usize) -> SocketAddr {
        format!("192.0.2.{last}:1").parse().unwrap()
    }

    fn change(added: &[usize], removed: &[usize]) -> Change {
        let all = |those: &[usize]| those.iter().map(|last| address(*last)).collect();
        Change { added: all(added), removed: all(removed), leaves_out_others: false }
    }

    #[test]
    fn an_address_is_added_at_once_and_removed_by_the_third_lookup_in_a_row_without_it() {
        let mut addresses = Addresses::default();
        let mut found = |those: &[usize]| addresses.found(those.iter().map(|last| address(*last)));
        assert_eq!(found(&[1, 2, 1]), change(&[1, 2], &[]));
        for _ in 0..2 {
            assert_eq!(found(&[2]), change(&[], &[]));
        }
        assert_eq!(found(&[1, 3]), change(&[3], &[]), "1 begins anew");
        assert_eq!(found(&[3]), change(&[], &[]));
        assert_eq!(found(&[3]), change(&[], &[2]));
        assert_eq!(found(&[3]), change(&[], &[1]));
        assert_eq!(found(&[1, 3]), change(&[1], &[]));
    }

    #[test]
    fn more_addresses_than_a_name_may_have_are_left_out_until_there_is_room() {
        let mut addresses = Addresses::default();
        let all: Vec<SocketAddr> = (0..MAX_ADDRESSES + 2).map(address).collect();
        let first = addresses.found(all.clone());
        assert_eq!((first.added.len(), first.leaves_out_others), (MAX_ADDRESSES, true));
        assert_eq!((addresses.len(), addresses.left_out().len()), (MAX_ADDRESSES, 2));
        for _ in 0..2 {
            assert!(!addresses.found(all[2..].to_vec()).leaves_out_others, "it is no news");
        }
        let gone = addresses.found(all[2..].to_vec());
        assert_eq!((gone.removed.len(), gone.added.len(), gone.leaves_out_others), (2, 2, true));
        assert!(addresses.left_out().is_empty());
    }
}
