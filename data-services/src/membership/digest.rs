use pubsub_api::{Error, ErrorKind, Result};

use crate::{Instance, NodeEntry};

/// The maximum size of the entry of a node, in bytes of msgpack: half of the largest packet.
pub(crate) const MAX_ENTRY_BYTES: usize = 256 * 1024;

/// An entry, its revision, size and hash.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RevisedEntry {
    pub(super) revision: u64,
    pub(super) hash: u64,
    pub(super) bytes: usize,
    pub(super) entry: NodeEntry,
}

impl RevisedEntry {
    /// Measures an entry.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is larger than [`MAX_ENTRY_BYTES`].
    pub(super) fn new(revision: u64, entry: NodeEntry) -> Result<Self> {
        let encoded = rmp_serde::to_vec(&entry).map_err(|error| {
            Error::new(ErrorKind::Invalid, "the entry of a node must serialize to msgpack").with_source(error)
        })?;
        if encoded.len() > MAX_ENTRY_BYTES {
            let text = format!(
                "the services and subscriptions of a node have {} bytes in its entry, more than {MAX_ENTRY_BYTES}; \
                 distribute them over several nodes",
                encoded.len()
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(Self { revision, hash: hash_of(&encoded), bytes: encoded.len(), entry })
    }
}

/// Returns a hash that every build computes equally: FNV-1a, 64 bits
/// (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>).
fn hash_of(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Returns whether this is the hash of an entry without services and subscriptions, which needs no pull.
pub(super) fn is_hash_of_empty(hash: u64) -> bool {
    RevisedEntry::new(1, NodeEntry::default()).is_ok_and(|empty| empty.hash == hash)
}

/// Returns the hash of a set of instances. It does not depend on their order.
pub(super) fn hash_of_members(members: impl Iterator<Item = Instance>) -> u64 {
    members.fold(0, |hash, member| hash ^ hash_of(&member.number().to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{MAX_ENTRY_BYTES, RevisedEntry, hash_of, hash_of_members};
    use crate::{Instance, NodeEntry, ServiceEntry, ServiceId};

    #[test]
    fn the_hash_has_the_published_values() {
        assert_eq!(hash_of(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash_of(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash_of(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_hash_of_members_ignores_their_order() {
        let [a, b, c] = [1, 2, 3].map(Instance::of);
        assert_eq!(hash_of_members([a, b, c].into_iter()), hash_of_members([c, a, b].into_iter()));
        assert_ne!(hash_of_members([a, b].into_iter()), hash_of_members([a, c].into_iter()));
    }

    #[test]
    fn an_entry_that_is_too_large_is_refused_with_its_size() {
        let service = |number| (ServiceId::new(format!("{number:0100}")).unwrap(), ServiceEntry::default());
        let entry = NodeEntry { services: (0..3000).map(service).collect(), ..NodeEntry::default() };
        let text = RevisedEntry::new(1, entry).unwrap_err().to_string();
        assert!(text.contains(&MAX_ENTRY_BYTES.to_string()), "{text}");
    }
}
