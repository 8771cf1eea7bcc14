use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use bytes::Bytes;
use pubsub_api::{Topic, TopicRights};

/// A group of connections whose filters and rights are equal.
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
    rights: TopicRights,
    members: usize,
    key: Key,
}

/// The sum of the keyed hashes of a set's prefixes and of its rights: equal sets have equal keys, and a change costs no more than what is
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
    /// Puts a new connection, without any filter, into the group of those with its rights.
    pub(super) fn join(&mut self, rights: &TopicRights) -> GroupId {
        self.enter(if rights.is_all() { 0 } else { self.hash(rights) }, rights, Vec::new)
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
        let (mut prefixes, rights) = (group.prefixes.clone(), group.rights.clone());
        let new = self.enter(key, &rights, || {
            change.retain_in(&mut prefixes);
            prefixes.extend(change.added.iter().cloned());
            prefixes
        });
        self.leave(id);
        new
    }

    /// The groups that want a topic and may receive it, in ascending order.
    pub(super) fn audience(&mut self, topic: &[u8]) -> Arc<[GroupId]> {
        if let Some(known) = self.audiences.get(topic) {
            return Arc::clone(known);
        }
        let prefixes = self.lengths.keys().map_while(|length| topic.get(..*length));
        let mut found: Vec<GroupId> =
            prefixes.filter_map(|prefix| self.by_prefix.get(prefix)).flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        self.retain_allowed(&mut found, topic);
        if self.audiences.len() >= MAX_AUDIENCES {
            self.audiences.clear();
        }
        let found: Arc<[GroupId]> = found.into();
        self.audiences.insert(Bytes::copy_from_slice(topic), Arc::clone(&found));
        found
    }

    /// Leaves the groups that may receive a topic. A prefix that a group may subscribe to begins other topics, too.
    fn retain_allowed(&self, found: &mut Vec<GroupId>, name: &[u8]) {
        let rights =
            |id: &GroupId| self.groups.get(id.index()).and_then(Option::as_ref).map(|group| &group.rights);
        if found.iter().all(|id| rights(id).is_some_and(TopicRights::is_all)) {
            return;
        }
        let topic = Topic::new(Bytes::copy_from_slice(name)).ok();
        found.retain(|id| {
            rights(id).is_some_and(|rights| {
                rights.is_all() || topic.as_ref().is_some_and(|topic| rights.allows(topic))
            })
        });
    }

    /// How many groups there may be: each id's index is below it.
    pub(super) fn capacity(&self) -> usize {
        self.groups.len()
    }

    fn key_after(&self, key: Key, change: &Change) -> Key {
        let added = change.added.iter().fold(key, |key, prefix| key.wrapping_add(self.hash(prefix)));
        change.removed.iter().fold(added, |key, prefix| key.wrapping_sub(self.hash(prefix)))
    }

    fn hash(&self, part: impl Hash) -> Key {
        let [high, low] = self.hashers.each_ref().map(|hasher| hasher.hash_one(&part));
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
    fn enter(&mut self, key: Key, rights: &TopicRights, prefixes: impl FnOnce() -> Vec<Bytes>) -> GroupId {
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
            *place = Some(Group { prefixes, rights: rights.clone(), members: 1, key });
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
mod tests;
