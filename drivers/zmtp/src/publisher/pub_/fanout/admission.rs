use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::protocol::curve::PublicKey;
use crate::{Network, ZmtpSettings};

/// The peers that may connect, and the bounds on connections.
#[derive(Debug)]
pub(super) struct Admission {
    allow_from: Vec<Network>,
    max_connections: usize,
    max_per_address: usize,
    max_per_key: usize,
    present: Mutex<Present>,
}

#[derive(Debug, Default)]
struct Present {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    by_key: HashMap<PublicKey, usize>,
}

/// One of the connections of a key; dropping it makes room.
#[derive(Debug)]
pub(super) struct KeyPlace {
    admission: Arc<Admission>,
    key: PublicKey,
}

/// One connection's place; dropping it makes room.
#[derive(Debug)]
pub(super) struct Place {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Admission {
    pub(super) fn new(settings: &ZmtpSettings) -> Self {
        Self {
            allow_from: settings.allow_from.clone(),
            max_connections: settings.max_connections,
            max_per_address: settings.max_connections_per_address,
            max_per_key: settings.max_connections_per_key,
            present: Mutex::default(),
        }
    }

    /// A place for a connection from `address`, or the cause of having none.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Place, &'static str> {
        let address = address.to_canonical();
        if !self.allow_from.is_empty() && !self.allow_from.iter().any(|network| network.contains(address)) {
            return Err("not_allowed");
        }
        let mut present = self.present();
        if present.all >= self.max_connections {
            return Err("too_many_connections");
        }
        let from_there = present.by_address.entry(address).or_default();
        if *from_there >= self.max_per_address {
            return Err("too_many_of_address");
        }
        *from_there += 1;
        present.all += 1;
        Ok(Place { admission: Arc::clone(self), address })
    }

    /// A place for a connection of an agent with this key, or the cause of having none.
    pub(super) fn admit_key(self: &Arc<Self>, key: PublicKey) -> Result<KeyPlace, &'static str> {
        let mut present = self.present();
        let of_key = present.by_key.entry(key).or_default();
        if *of_key >= self.max_per_key {
            return Err("too_many_of_key");
        }
        *of_key += 1;
        Ok(KeyPlace { admission: Arc::clone(self), key })
    }

    /// How many connections there are.
    pub(super) fn present_connections(&self) -> usize {
        self.present().all
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut present = self.admission.present();
        present.all -= 1;
        leave(&mut present.by_address, &self.address);
    }
}

impl Drop for KeyPlace {
    fn drop(&mut self) {
        leave(&mut self.admission.present().by_key, &self.key);
    }
}

/// Takes one off a count; one that is zero needs no memory.
fn leave<K: Eq + Hash>(counts: &mut HashMap<K, usize>, of: &K) {
    if let Some(count) = counts.get_mut(of) {
        *count -= 1;
        if *count == 0 {
            counts.remove(of);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use super::{Admission, Present};
    use crate::protocol::curve::SecretKey;

    fn admission(allow_from: &[&str]) -> Arc<Admission> {
        Arc::new(Admission {
            allow_from: allow_from.iter().map(|network| network.parse().unwrap()).collect(),
            max_connections: 3,
            max_per_address: 2,
            max_per_key: 2,
            present: Mutex::new(Present { all: 0, by_address: HashMap::new(), by_key: HashMap::new() }),
        })
    }

    #[test]
    fn connections_are_bounded_in_all_and_by_address() {
        let admission = admission(&[]);
        let from = |address: &str| admission.admit(address.parse().unwrap());
        let first = from("192.0.2.1").unwrap();
        let _second = from("::ffff:192.0.2.1").unwrap();
        assert_eq!(from("192.0.2.1").unwrap_err(), "too_many_of_address");
        let _third = from("192.0.2.2").unwrap();
        assert_eq!(from("192.0.2.3").unwrap_err(), "too_many_connections");
        drop(first);
        assert!(from("192.0.2.1").is_ok());
    }

    #[test]
    fn connections_are_bounded_by_key() {
        let admission = admission(&[]);
        let [one, other] = [(); 2].map(|()| SecretKey::generate().unwrap().public());
        let first = admission.admit_key(one).unwrap();
        let _second = admission.admit_key(one).unwrap();
        assert_eq!(admission.admit_key(one).unwrap_err(), "too_many_of_key");
        assert!(admission.admit_key(other).is_ok());
        drop(first);
        assert!(admission.admit_key(one).is_ok());
    }

    #[test]
    fn only_networks_that_are_named_may_connect() {
        let admission = admission(&["10.0.0.0/8", "::1"]);
        assert!(admission.admit("10.9.8.7".parse().unwrap()).is_ok());
        assert!(admission.admit("::1".parse().unwrap()).is_ok());
        assert_eq!(admission.admit("192.0.2.1".parse().unwrap()).unwrap_err(), "not_allowed");
    }
}
