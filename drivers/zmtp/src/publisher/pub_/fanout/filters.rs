use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bytes::Bytes;

/// A group of connections whose filters are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GroupId(u32);

impl GroupId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Which groups want which topics.
///
/// The groups of a topic are found once, by one look-up for each length of prefix that anybody has, and remembered until a
/// filter changes: an event costs what its audience costs, however many other filters there are.
#[derive(Debug, Default)]
pub(super) struct Filters {
    groups: Vec<Option<Group>>,
    free: Vec<GroupId>,
    by_key: HashMap<Key, GroupId>,
    by_prefix: HashMap<Bytes, Vec<GroupId>>,
    /// How many prefixes of each length there are.
    lengths: BTreeMap<usize, usize>,
    audiences: HashMap<Bytes, Arc<[GroupId]>>,
    hashers: [RandomState; 2],
}

#[derive(Debug)]
struct Group {
    prefixes: Vec<Bytes>,
    members: usize,
    key: Key,
}

/// The sum of the keyed hashes of a set's prefixes: equal sets have equal keys, and a change costs no more than what is
/// changed. 128 bits under secret keys: a peer cannot construct two sets with one key.
type Key = u128;

/// The most topics whose audience is remembered; beyond, all are forgotten and found again.
const MAX_AUDIENCES: usize = 65_536;

/// A change of a connection's set of filters.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Prefixes that were not in the set.
    pub(super) added: Vec<Bytes>,
    /// Prefixes that were.
    pub(super) removed: Vec<Bytes>,
}

impl Change {
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// Takes what was removed out of a set, at the cost of both together: either may have thousands.
    fn retain_in(&self, prefixes: &mut Vec<Bytes>) {
        if !self.removed.is_empty() {
            let removed: HashSet<&Bytes> = self.removed.iter().collect();
            prefixes.retain(|prefix| !removed.contains(prefix));
        }
    }
}

impl Filters {
    /// Puts a new connection, without any filter, into its group.
    pub(super) fn join(&mut self) -> GroupId {
        self.enter(0, Vec::new)
    }

    /// Takes a connection out of its group.
    pub(super) fn leave(&mut self, id: GroupId) {
        let Some(group) = self.groups.get_mut(id.index()).and_then(Option::as_mut) else { return };
        group.members -= 1;
        if group.members > 0 {
            return;
        }
        if let Some(gone) = self.groups.get_mut(id.index()).and_then(Option::take) {
            self.by_key.remove(&gone.key);
            for prefix in &gone.prefixes {
                self.unindex(id, prefix);
            }
            self.free.push(id);
        }
    }

    /// Changes the filters of one connection: its group from now on, maybe the same.
    pub(super) fn change(&mut self, id: GroupId, change: &Change) -> GroupId {
        let Some(group) = self.groups.get(id.index()).and_then(Option::as_ref) else { return id };
        let key = self.key_after(group.key, change);
        if group.members == 1 && !self.by_key.contains_key(&key) {
            self.change_in_place(id, key, change);
            return id;
        }
        let mut prefixes = group.prefixes.clone();
        let new = self.enter(key, || {
            change.retain_in(&mut prefixes);
            prefixes.extend(change.added.iter().cloned());
            prefixes
        });
        self.leave(id);
        new
    }

    /// The groups that want a topic, in ascending order.
    pub(super) fn audience(&mut self, topic: &[u8]) -> Arc<[GroupId]> {
        if let Some(known) = self.audiences.get(topic) {
            return Arc::clone(known);
        }
        let prefixes = self.lengths.keys().map_while(|length| topic.get(..*length));
        let mut found: Vec<GroupId> =
            prefixes.filter_map(|prefix| self.by_prefix.get(prefix)).flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        if self.audiences.len() >= MAX_AUDIENCES {
            self.audiences.clear();
        }
        let found: Arc<[GroupId]> = found.into();
        self.audiences.insert(Bytes::copy_from_slice(topic), Arc::clone(&found));
        found
    }

    /// How many groups there may be: each id's index is below it.
    pub(super) fn capacity(&self) -> usize {
        self.groups.len()
    }

    fn key_after(&self, key: Key, change: &Change) -> Key {
        let added = change.added.iter().fold(key, |key, prefix| key.wrapping_add(self.hash(prefix)));
        change.removed.iter().fold(added, |key, prefix| key.wrapping_sub(self.hash(prefix)))
    }

    fn hash(&self, prefix: &Bytes) -> Key {
        let [high, low] = self.hashers.each_ref().map(|hasher| hasher.hash_one(prefix));
        Key::from(high) << 64 | Key::from(low)
    }

    fn change_in_place(&mut self, id: GroupId, key: Key, change: &Change) {
        for prefix in &change.removed {
            self.unindex(id, prefix);
        }
        for prefix in &change.added {
            self.index(id, prefix);
        }
        if let Some(group) = self.groups.get_mut(id.index()).and_then(Option::as_mut) {
            self.by_key.remove(&group.key);
            group.key = key;
            change.retain_in(&mut group.prefixes);
            group.prefixes.extend(change.added.iter().cloned());
        }
        self.by_key.insert(key, id);
    }

    /// Counts one more member of the group with this key, which is made of `prefixes` if there is none.
    fn enter(&mut self, key: Key, prefixes: impl FnOnce() -> Vec<Bytes>) -> GroupId {
        if let Some(id) = self.by_key.get(&key).copied()
            && let Some(group) = self.groups.get_mut(id.index()).and_then(Option::as_mut)
        {
            group.members += 1;
            return id;
        }
        let prefixes = prefixes();
        let id = self.free.pop().unwrap_or_else(|| {
            self.groups.push(None);
            GroupId(u32::try_from(self.groups.len() - 1).unwrap_or(u32::MAX))
        });
        for prefix in &prefixes {
            self.index(id, prefix);
        }
        self.by_key.insert(key, id);
        if let Some(place) = self.groups.get_mut(id.index()) {
            *place = Some(Group { prefixes, members: 1, key });
        }
        id
    }

    fn index(&mut self, id: GroupId, prefix: &Bytes) {
        self.audiences.clear();
        self.by_prefix.entry(prefix.clone()).or_default().push(id);
        *self.lengths.entry(prefix.len()).or_default() += 1;
    }

    fn unindex(&mut self, id: GroupId, prefix: &Bytes) {
        self.audiences.clear();
        if let Some(ids) = self.by_prefix.get_mut(prefix) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_prefix.remove(prefix);
            }
        }
        if let Some(count) = self.lengths.get_mut(&prefix.len()) {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&prefix.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::{any, prop, proptest};

    use super::{Change, Filters, GroupId};

    fn change(added: &[&'static str], removed: &[&'static str]) -> Change {
        let all = |prefixes: &[&'static str]| prefixes.iter().map(|prefix| Bytes::from(*prefix)).collect();
        Change { added: all(added), removed: all(removed) }
    }

    #[test]
    fn connections_with_equal_filters_are_one_group_in_whatever_order_they_came() {
        let mut filters = Filters::default();
        let (one, other) = (filters.join(), filters.join());
        assert_eq!(one, other);
        let one = filters.change(one, &change(&["D"], &[]));
        let other = filters.change(other, &change(&["$hello", "D"], &[]));
        assert_ne!(one, other);
        let one = filters.change(one, &change(&["$hello"], &[]));
        assert_eq!(one, other);
        assert_eq!(*filters.audience(b"D"), [one]);
        assert_eq!(*filters.audience(b"Demo"), [one], "ZeroMQ filters by prefix");
        assert!(filters.audience(b"other").is_empty());
        filters.leave(one);
        assert_eq!(*filters.audience(b"D"), [other]);
        filters.leave(other);
        assert!(filters.audience(b"D").is_empty());
    }

    #[test]
    fn a_topic_that_two_filters_of_a_connection_cover_names_it_once() {
        let mut filters = Filters::default();
        let group = filters.join();
        let group = filters.change(group, &change(&["", "t", "tenant"], &[]));
        assert_eq!(*filters.audience(b"tenant-1"), [group]);
    }

    proptest! {
        /// Against a list of every connection's filters.
        #[test]
        fn an_audience_is_every_peer_with_a_prefix_of_the_topic(
            steps in prop::collection::vec((0..6_usize, "[ab]{0,3}", any::<bool>()), 0..60),
            topic in "[ab]{1,4}",
        ) {
            let mut filters = Filters::default();
            let mut connections: Vec<(GroupId, Vec<String>)> = (0..6).map(|_| (filters.join(), Vec::new())).collect();
            for (which, prefix, add) in steps {
                let (group, own) = &mut connections[which];
                let bytes = vec![Bytes::from(prefix.clone())];
                let step = match (add, own.iter().position(|other| *other == prefix)) {
                    (true, None) => {
                        own.push(prefix);
                        Change { added: bytes, removed: Vec::new() }
                    }
                    (false, Some(place)) => {
                        own.remove(place);
                        Change { added: Vec::new(), removed: bytes }
                    }
                    _ => continue,
                };
                *group = filters.change(*group, &step);
            }
            let audience = filters.audience(topic.as_bytes());
            for (group, own) in &connections {
                let wants = own.iter().any(|prefix| topic.starts_with(prefix.as_str()));
                assert_eq!(audience.contains(group), wants);
            }
            for (group, _) in connections {
                filters.leave(group);
            }
            assert!(filters.by_key.is_empty() && filters.by_prefix.is_empty() && filters.lengths.is_empty());
        }
    }
}
