use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use delivery::Position;

use super::consistent_cut::ConsistentCut;
use super::followed_table::FollowedTable;
use super::table_update::TableUpdate;
use crate::StreamName;

/// What could be applied, and what it waits for.
#[derive(Debug, Default)]
pub(super) struct Released {
    /// The updates; each list leads from one consistent state to the next one.
    pub(super) updates: Vec<Vec<Arc<TableUpdate>>>,
    /// Streams of which something was applied.
    pub(super) applied: BTreeSet<StreamName>,
    /// Positions that the streams in `waiting` wait for.
    pub(super) awaited: Vec<(StreamName, Position)>,
}

/// Applies everything of the streams in `waiting` that need not wait for a change of another table.
pub(super) fn release(
    tables: &mut BTreeMap<StreamName, FollowedTable>,
    waiting: &BTreeSet<StreamName>,
) -> Released {
    let mut released = Released::default();
    let mut has_progress = true;
    while std::mem::take(&mut has_progress) {
        released.awaited.clear();
        for stream in waiting {
            while let Some(cut) = ConsistentCut::with_next_of(tables, stream) {
                if !cut.missing.is_empty() {
                    released.awaited.extend(cut.missing);
                    break;
                }
                has_progress = true;
                released.updates.push(apply(tables, &cut));
                released.applied.extend(cut.steps.into_keys());
            }
        }
    }
    released.updates.retain(|updates| !updates.is_empty());
    released
}

fn apply(tables: &mut BTreeMap<StreamName, FollowedTable>, cut: &ConsistentCut) -> Vec<Arc<TableUpdate>> {
    let mut updates = Vec::new();
    for (stream, steps) in &cut.steps {
        let Some(table) = tables.get_mut(stream) else { continue };
        updates.extend((0..*steps).filter_map(|_| table.apply_next()).map(Arc::new));
    }
    updates
}
