use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::followed_table::FollowedTable;
use super::message::GroupMember;
use super::table_update::TableUpdate;
use crate::StreamName;

/// What could be applied, and what it waits for.
#[derive(Debug, Default)]
pub(super) struct Released {
    /// The updates; each list is one transaction.
    pub(super) updates: Vec<Vec<Arc<TableUpdate>>>,
    /// Streams of which something was applied.
    pub(super) applied: BTreeSet<StreamName>,
    /// Changes that transactions wait for.
    pub(super) awaited: Vec<(StreamName, GroupMember)>,
}

/// Applies everything of the streams in `waiting` that need not wait for another change of its commit.
///
/// A snapshot and what had to wait for it are one transaction: rows of several tables never go apart for its sake.
pub(super) fn release(
    tables: &mut BTreeMap<StreamName, FollowedTable>,
    waiting: &BTreeSet<StreamName>,
) -> Released {
    let mut released = Released::default();
    let mut has_progress = true;
    while std::mem::take(&mut has_progress) {
        for stream in waiting {
            while let Some(members) = ready_members(tables, stream) {
                has_progress = true;
                let next = members.iter().filter_map(|member| tables.get_mut(member)?.apply_next());
                released.updates.push(next.map(Arc::new).collect());
                released.applied.extend(members);
            }
        }
    }
    released.updates.retain(|updates| !updates.is_empty());
    if released.updates.iter().flatten().any(|update| update.is_snapshot) {
        released.updates = vec![released.updates.concat()];
    }
    let awaited = waiting.iter().flat_map(|stream| awaited(tables, stream));
    released.awaited = awaited.collect();
    released
}

/// The streams whose next changes are applied together with that of `stream`; `None` if it has none, or if one of them is
/// not there yet.
fn ready_members(
    tables: &BTreeMap<StreamName, FollowedTable>,
    stream: &StreamName,
) -> Option<Vec<StreamName>> {
    let next = tables.get(stream)?.next()?;
    let mut members = vec![];
    for member in next.group() {
        let name = StreamName { table: member.table.clone(), ..stream.clone() };
        match tables.get(&name) {
            Some(table) if table.next().is_some_and(|next| next.position() == member.position) => {
                members.push(name);
            }
            Some(table) if !table.is_done_with(member) => return None,
            _ => {}
        }
    }
    if !members.contains(stream) {
        members.push(stream.clone());
    }
    Some(members)
}

/// The changes that the next change of a stream waits for.
fn awaited(
    tables: &BTreeMap<StreamName, FollowedTable>,
    stream: &StreamName,
) -> Vec<(StreamName, GroupMember)> {
    let group = tables.get(stream).and_then(FollowedTable::next).map_or(&[][..], |next| next.group());
    let others = group.iter().map(|member| {
        let name = StreamName { table: member.table.clone(), ..stream.clone() };
        (name, member.clone())
    });
    let is_awaited = |(name, member): &(StreamName, GroupMember)| {
        name != stream && tables.get(name).is_some_and(|table| !table.is_done_with(member))
    };
    others.filter(is_awaited).collect()
}
