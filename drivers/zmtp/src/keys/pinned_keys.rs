use std::collections::BTreeMap;

use pubsub_api::registered_endpoint;
use pubsub_api::settings::endpoint;

use crate::protocol::curve::{KEY_CHARACTERS, PublicKey};

/// The public keys that publishers must have.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PinnedKeys {
    by_endpoint: BTreeMap<String, PublicKey>,
    of_all_others: Option<PublicKey>,
}

impl PinnedKeys {
    /// Reads entries: a key for all publishers, or `host:port#key` for one. A key has 40 characters, and `#` may be one of
    /// them: an address has none, so the first `#` ends it.
    pub(crate) fn parse(entries: &[String], default_port: u16) -> Result<Self, String> {
        let mut keys = Self::default();
        for (number, entry) in entries.iter().enumerate() {
            // Its text is left out of errors: it may be a secret key, in the wrong place or with a typing error.
            let name = format!("entry {}", number + 1);
            let known = match entry.split_once('#') {
                _ if entry.len() == KEY_CHARACTERS => {
                    keys.of_all_others.replace(entry.parse().map_err(|error| format!("{name}: {error}"))?)
                }
                Some((address, key)) => {
                    let key = key.parse().map_err(|error| format!("the key of {name}: {error}"))?;
                    let endpoint = endpoint("tcp", address, default_port)
                        .map_err(|_| format!("{name}: what stands before the # is not host:port"))?;
                    keys.by_endpoint.insert(endpoint, key)
                }
                None => return Err(format!("{name} is neither a key nor host:port#key")),
            };
            if known.is_some() {
                return Err(format!("{name} is a second key for the same publishers"));
            }
        }
        Ok(keys)
    }

    /// The key of the publisher at an endpoint: of a link to one address of a name, that of the name.
    #[must_use]
    pub fn get(&self, link: &str) -> Option<PublicKey> {
        self.by_endpoint.get(registered_endpoint(link)).copied().or(self.of_all_others)
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::PinnedKeys;
    use crate::protocol::curve::SecretKey;

    #[test]
    fn a_key_is_for_one_publisher_or_for_all_others_even_if_it_has_a_hash() {
        let key = || SecretKey::generate().unwrap().public();
        let with_hash = loop {
            let key = key();
            if key.to_string().contains('#') {
                break key;
            }
        };
        let (one, all) = (key(), key());
        let entries = [format!("10.0.0.1:7000#{with_hash}"), format!("node.example#{one}"), all.to_string()];
        let keys = PinnedKeys::parse(&entries, 8866).unwrap();
        for (endpoint, wanted) in [
            ("tcp://10.0.0.1:7000", with_hash),
            ("tcp://node.example:8866", one),
            ("tcp://node.example:8866/192.0.2.7", one),
            ("tcp://10.0.0.1:8866", all),
        ] {
            assert_eq!(keys.get(endpoint), Some(wanted), "{endpoint}");
        }
        assert_eq!(PinnedKeys::parse(&entries[..2], 8866).unwrap().get("tcp://10.0.0.2:1"), None);
    }

    #[test]
    fn what_is_no_entry_is_refused_in_words() {
        // Without a `#`, of which the last entry would be an address and a key.
        let mut keys = std::iter::repeat_with(|| SecretKey::generate().unwrap().public());
        let key = keys.find(|key| !key.to_string().contains('#')).unwrap();
        for (entries, word) in [
            (vec!["short".to_owned()], "neither a key nor"),
            (vec!["~".repeat(40)], "40 characters"),
            (vec!["host:1#short".to_owned()], "the key of entry 1"),
            (vec![key.to_string(), key.to_string()], "entry 2 is a second key"),
            (vec![key.to_string()[1..].to_owned()], "entry 1 is neither"),
        ] {
            let error = PinnedKeys::parse(&entries, 1).unwrap_err();
            assert!(error.contains(word), "{error}");
            assert!(!error.contains(&key.to_string()[20..]), "{error}");
        }
    }
}
