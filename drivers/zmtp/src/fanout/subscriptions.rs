use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use pubsub_api::{HELLO, MAX_SUBSCRIPTIONS, SEND_ALL};

use super::filters::Change;

/// What one connection has subscribed to, each prefix with how often: RFC 37 has "SHALL NOT be idempotent", two
/// subscriptions to one prefix want two CANCELs.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    counts: HashMap<Bytes, u32>,
}

/// How many prefixes a peer may have: as many as an application may ask for, and `$hello` beside them.
const MAX_PREFIXES: usize = MAX_SUBSCRIPTIONS + 1;

/// More prefixes than a peer may have ([`MAX_PREFIXES`]).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Subscriptions {
    /// Counts a subscription; `change` learns of a new prefix.
    pub(super) fn add(&mut self, prefix: &[u8], change: &mut Change) -> Result<(), TooMany> {
        if let Some(count) = self.counts.get_mut(prefix) {
            *count = count.saturating_add(1);
            return Ok(());
        }
        if self.counts.len() >= MAX_PREFIXES {
            return Err(TooMany);
        }
        let prefix = Bytes::copy_from_slice(prefix);
        // Taken away and asked for again since the last change: nothing has happened.
        match change.removed.iter().position(|removed| *removed == prefix) {
            Some(place) => drop(change.removed.swap_remove(place)),
            None => change.added.push(prefix.clone()),
        }
        self.counts.insert(prefix, 1);
        Ok(())
    }

    /// Takes a subscription back; `change` learns of a prefix that is gone. One that was never made changes nothing.
    pub(super) fn remove(&mut self, prefix: &[u8], change: &mut Change) {
        let Entry::Occupied(mut entry) = self.counts.entry(Bytes::copy_from_slice(prefix)) else { return };
        let count = entry.get_mut();
        *count -= 1;
        if *count > 0 {
            return;
        }
        let (prefix, _) = entry.remove_entry();
        match change.added.iter().position(|added| *added == prefix) {
            Some(place) => drop(change.added.swap_remove(place)),
            None => change.removed.push(prefix),
        }
    }

    /// Whether the peer asked for hellos by name: then it is one of ours, and understands what they tell.
    pub(super) fn name_hello(&self) -> bool {
        let hello = HELLO;
        let name = hello.as_bytes();
        (1..=name.len()).any(|length| name.get(..length).is_some_and(|part| self.counts.contains_key(part)))
    }

    /// Whether the peer takes what is sent to all.
    pub(super) fn cover_send_all(&self) -> bool {
        self.counts.contains_key(SEND_ALL.as_bytes()) || self.counts.contains_key(&b""[..])
    }

    /// Whether a topic begins with one of the prefixes.
    pub(super) fn cover(&self, topic: &[u8]) -> bool {
        (0..=topic.len())
            .any(|length| topic.get(..length).is_some_and(|prefix| self.counts.contains_key(prefix)))
    }

    pub(super) fn prefixes(&self) -> impl Iterator<Item = &Bytes> {
        self.counts.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, MAX_PREFIXES, Subscriptions, TooMany};

    #[test]
    fn two_subscriptions_to_a_prefix_want_two_cancels() {
        let (mut own, mut change) = (Subscriptions::default(), Change::default());
        own.add(b"D", &mut change).unwrap();
        own.add(b"D", &mut change).unwrap();
        assert_eq!(change.added, ["D"]);
        let mut change = Change::default();
        own.remove(b"D", &mut change);
        assert!(change.is_empty());
        own.remove(b"D", &mut change);
        assert_eq!(change.removed, ["D"]);
        own.remove(b"D", &mut change);
        assert_eq!(change.removed, ["D"], "what was never asked for changes nothing");
    }

    #[test]
    fn what_is_taken_back_within_one_change_is_no_change() {
        let (mut own, mut change) = (Subscriptions::default(), Change::default());
        own.add(b"D", &mut change).unwrap();
        own.remove(b"D", &mut change);
        assert!(change.is_empty());
        own.add(b"D", &mut change).unwrap();
        let mut change = Change::default();
        own.remove(b"D", &mut change);
        own.add(b"D", &mut change).unwrap();
        assert!(change.is_empty());
    }

    #[test]
    fn a_peer_has_a_bounded_number_of_prefixes() {
        let (mut own, mut change) = (Subscriptions::default(), Change::default());
        for number in 0..MAX_PREFIXES {
            own.add(number.to_string().as_bytes(), &mut change).unwrap();
        }
        assert_eq!(own.add(b"one more", &mut change), Err(TooMany));
        assert_eq!(own.add(b"1", &mut change), Ok(()), "known already");
    }

    #[test]
    fn only_a_prefix_of_its_name_names_hello() {
        for (prefix, names) in
            [(&b"$hello"[..], true), (b"$", true), (b"", false), (b"D", false), (b"$hello2", false)]
        {
            let mut own = Subscriptions::default();
            own.add(prefix, &mut Change::default()).unwrap();
            assert_eq!(own.name_hello(), names);
        }
    }
}
