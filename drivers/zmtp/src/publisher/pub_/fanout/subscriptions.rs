use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use pubsub_api::{HELLO, MAX_SUBSCRIPTIONS, SEND_ALL};

use super::filters::Change;

/// The prefixes that one connection subscribes to, itself or by whole subscriptions that have them.
///
/// One CANCEL ends a prefix, however often it was subscribed to, as in libzmq, whose PUB keeps a set of connections for each
/// prefix (4.3.5, `src/generic_mtrie_impl.hpp`). Its SUB relies on that: it counts for its application, sends every
/// SUBSCRIBE and only the last CANCEL (`src/xsub.cpp`). RFC 37 asks for a count ("SHALL NOT be idempotent"); with one, a
/// topic that such a peer subscribed to twice is sent to it for the life of the connection.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    prefixes: HashMap<Bytes, Holders>,
    /// The whole subscriptions, as they were sent.
    announced: HashSet<Bytes>,
}

/// What a prefix is wanted by.
#[derive(Debug, Default, Clone, Copy)]
struct Holders {
    itself: bool,
    announced: u32,
}

/// The most prefixes of one peer: those that an application may ask for, and `$hello`.
const MAX_PREFIXES: usize = MAX_SUBSCRIPTIONS + 1;

/// More prefixes than a peer may have ([`MAX_PREFIXES`]).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Subscriptions {
    /// Adds a prefix; `change` learns of a new one.
    ///
    /// # Errors
    /// [`TooMany`] if the prefix is new and there are [`MAX_PREFIXES`] already.
    pub(super) fn add(&mut self, prefix: &[u8], change: &mut Change) -> Result<(), TooMany> {
        self.holders(prefix, change)?.itself = true;
        Ok(())
    }

    /// Adds a whole subscription, which was sent as `body`, by the prefix of what it matches.
    ///
    /// # Errors
    /// [`TooMany`] if there are [`MAX_PREFIXES`] already.
    pub(super) fn add_announced(
        &mut self,
        body: &[u8],
        prefix: &[u8],
        change: &mut Change,
    ) -> Result<(), TooMany> {
        if self.announced.contains(body) {
            return Ok(());
        }
        if self.announced.len() >= MAX_PREFIXES {
            return Err(TooMany);
        }
        self.holders(prefix, change)?.announced += 1;
        self.announced.insert(Bytes::copy_from_slice(body));
        Ok(())
    }

    /// What wants a prefix, which is added if nothing did.
    fn holders(&mut self, prefix: &[u8], change: &mut Change) -> Result<&mut Holders, TooMany> {
        let is_full = self.prefixes.len() >= MAX_PREFIXES;
        if !self.prefixes.contains_key(prefix) {
            if is_full {
                return Err(TooMany);
            }
            let prefix = Bytes::copy_from_slice(prefix);
            // Removed and added again since the last change: nothing has happened.
            match change.removed.iter().position(|removed| *removed == prefix) {
                Some(place) => drop(change.removed.swap_remove(place)),
                None => change.added.push(prefix.clone()),
            }
            self.prefixes.insert(prefix, Holders::default());
        }
        self.prefixes.get_mut(prefix).ok_or(TooMany)
    }

    /// Removes a prefix; `change` learns of one that is gone. An unknown prefix changes nothing.
    pub(super) fn remove(&mut self, prefix: &[u8], change: &mut Change) {
        if let Some(holders) = self.prefixes.get_mut(prefix) {
            holders.itself = false;
        }
        self.drop_unheld(prefix, change);
    }

    /// Removes a whole subscription. An unknown one changes nothing.
    pub(super) fn remove_announced(&mut self, body: &[u8], prefix: &[u8], change: &mut Change) {
        if !self.announced.remove(body) {
            return;
        }
        if let Some(holders) = self.prefixes.get_mut(prefix) {
            holders.announced = holders.announced.saturating_sub(1);
        }
        self.drop_unheld(prefix, change);
    }

    fn drop_unheld(&mut self, prefix: &[u8], change: &mut Change) {
        let is_held = |holders: &Holders| holders.itself || holders.announced > 0;
        if self.prefixes.get(prefix).is_none_or(is_held) {
            return;
        }
        let Some((prefix, _)) = self.prefixes.remove_entry(prefix) else { return };
        match change.added.iter().position(|added| *added == prefix) {
            Some(place) => drop(change.added.swap_remove(place)),
            None => change.removed.push(prefix),
        }
    }

    /// Whether the peer subscribed to hellos by name: then it is one of ours, and understands their content.
    pub(super) fn name_hello(&self) -> bool {
        let hello = HELLO;
        let name = hello.as_bytes();
        (1..=name.len()).any(|length| name.get(..length).is_some_and(|part| self.prefixes.contains_key(part)))
    }

    /// Whether the peer receives the send-all topic.
    pub(super) fn cover_send_all(&self) -> bool {
        self.prefixes.contains_key(SEND_ALL.as_bytes()) || self.prefixes.contains_key(&b""[..])
    }

    /// Whether a topic begins with one of the prefixes.
    pub(super) fn cover(&self, topic: &[u8]) -> bool {
        (0..=topic.len())
            .any(|length| topic.get(..length).is_some_and(|prefix| self.prefixes.contains_key(prefix)))
    }

    pub(super) fn prefixes(&self) -> impl Iterator<Item = &Bytes> {
        self.prefixes.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, MAX_PREFIXES, Subscriptions, TooMany};

    #[test]
    fn one_cancel_ends_a_prefix_however_often_it_was_subscribed_to() {
        let (mut own, mut change) = (Subscriptions::default(), Change::default());
        own.add(b"D", &mut change).unwrap();
        own.add(b"D", &mut change).unwrap();
        assert_eq!(change.added, ["D"]);
        let mut change = Change::default();
        own.remove(b"D", &mut change);
        assert_eq!(change.removed, ["D"]);
        assert!(!own.cover(b"D"));
        own.remove(b"D", &mut change);
        assert_eq!(change.removed, ["D"], "an unknown prefix changes nothing");
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
    fn a_prefix_stays_until_the_last_subscription_that_has_it_is_cancelled() {
        let (mut own, mut change) = (Subscriptions::default(), Change::default());
        own.add_announced(b"\0Pa.*", b"a.", &mut change).unwrap();
        own.add_announced(b"\0Pa.*", b"a.", &mut change).unwrap();
        own.add_announced(b"\0Pa.*.c", b"a.", &mut change).unwrap();
        own.add(b"a.", &mut change).unwrap();
        assert_eq!(change.added, ["a."]);
        let mut change = Change::default();
        own.remove_announced(b"\0Pa.*", b"a.", &mut change);
        own.remove_announced(b"\0Pa.*", b"a.", &mut change);
        own.remove(b"a.", &mut change);
        assert!(change.is_empty() && own.cover(b"a.b"));
        own.remove_announced(b"\0Pa.*.c", b"a.", &mut change);
        assert_eq!(change.removed, ["a."]);
        assert!(!own.cover(b"a.b"));
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
