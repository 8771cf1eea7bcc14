use std::collections::BTreeMap;

use delivery::Position;

use super::limits::MAX_PARTNERS;
use super::message::GroupMember;
use crate::TableId;

/// The other tables that changed in one commit with a table, each with its position in the last such commit.
///
/// The rows of two tables show every commit of both wholly or not at all if and only if neither is at a lower position than
/// the partners of the other name. At most [`MAX_PARTNERS`]; beyond that some are forgotten, and those tables may be apart for a
/// moment after a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Partners(BTreeMap<TableId, Position>);

impl Partners {
    /// Notes a commit of the table `own`.
    pub(super) fn note(&mut self, group: &[GroupMember], own: &TableId) {
        for member in group.iter().filter(|member| member.table != *own) {
            self.0.insert(member.table.clone(), member.position);
        }
        while self.0.len() > MAX_PARTNERS {
            let is_older = |table: &&TableId| !group.iter().any(|member| member.table == **table);
            let Some(forgotten) = self.0.keys().find(is_older).cloned() else { break };
            self.0.remove(&forgotten);
        }
    }

    /// A table has ended.
    pub(super) fn forget(&mut self, table: &TableId) {
        self.0.remove(table);
    }

    /// The position that another table must have reached.
    pub(super) fn position_of(&self, table: &TableId) -> Option<Position> {
        self.0.get(table).copied()
    }

    pub(super) fn to_members(&self) -> Vec<GroupMember> {
        let member = |(table, position): (&TableId, &Position)| GroupMember {
            table: table.clone(),
            position: *position,
        };
        self.0.iter().map(member).collect()
    }
}

impl From<Vec<GroupMember>> for Partners {
    fn from(members: Vec<GroupMember>) -> Self {
        Self(members.into_iter().map(|member| (member.table, member.position)).collect())
    }
}
