use std::collections::BTreeMap;
use std::ops::Bound;

use delivery::Position;

use super::followed_table::FollowedTable;
use crate::StreamName;

/// Which changes that are ready must be applied together, so that no commit is visible in one table and not in another.
#[derive(Debug, Default)]
pub(super) struct ConsistentCut {
    /// For each stream, how many of its ready changes.
    pub(super) steps: BTreeMap<StreamName, usize>,
    /// Positions that are needed as well and are not ready: nothing can be applied before they are.
    pub(super) missing: Vec<(StreamName, Position)>,
}

impl ConsistentCut {
    /// The smallest cut with the next change of a stream; `None` if it has none.
    pub(super) fn with_next_of(
        tables: &BTreeMap<StreamName, FollowedTable>,
        stream: &StreamName,
    ) -> Option<Self> {
        let table = tables.get(stream)?;
        let mut to = table.next()?.position();
        if table.next()?.is_whole() || !table.is_awaited() {
            // Nothing has waited for what it replaces.
            to = shown_elsewhere(tables, stream).unwrap_or_default().max(to);
        }
        let mut cut = Self::default();
        let mut needed = Vec::new();
        cut.extend(tables, stream.clone(), to, &mut needed);
        while let Some((stream, to)) = needed.pop() {
            let is_awaited = tables.get(&stream).is_some_and(FollowedTable::is_awaited);
            if is_awaited || cut.steps.contains_key(&stream) {
                cut.extend(tables, stream, to, &mut needed);
            }
        }
        Some(cut)
    }

    /// Adds the ready changes of a stream up to a position, and what they need.
    fn extend(
        &mut self,
        tables: &BTreeMap<StreamName, FollowedTable>,
        stream: StreamName,
        to: Position,
        needed: &mut Vec<(StreamName, Position)>,
    ) {
        let Some(table) = tables.get(&stream) else { return };
        let have = self.steps.get(&stream).copied().unwrap_or_default();
        let Some(steps) = table.steps_to(to) else {
            self.missing.push((stream, to));
            return;
        };
        for event in table.ready().iter().take(steps).skip(have) {
            needed.extend(event.needs().iter().map(|member| {
                (StreamName { table: member.table.clone(), ..stream.clone() }, member.position)
            }));
        }
        if steps > have {
            self.steps.insert(stream, steps);
        }
    }
}

/// The position of a stream in the last commit of it that is visible in another table of its service.
pub(super) fn shown_elsewhere(
    tables: &BTreeMap<StreamName, FollowedTable>,
    stream: &StreamName,
) -> Option<Position> {
    let is_of_service = |(other, _): &(&StreamName, &FollowedTable)| {
        (other.instance, &other.service) == (stream.instance, &stream.service)
    };
    let before = tables.range(..stream).rev().take_while(is_of_service);
    let after =
        tables.range::<StreamName, _>((Bound::Excluded(stream), Bound::Unbounded)).take_while(is_of_service);
    before.chain(after).filter_map(|(_, table)| table.partner(&stream.table)).max()
}
