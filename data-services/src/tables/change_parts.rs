use delivery::Position;

use super::change::Change;
use super::limits::ROW_OVERHEAD;
use super::message::ChangePart;
use crate::{Difference, KeyColumns, StreamName};

/// Splits a change into the parts that travel.
pub(super) fn parts_of(
    stream: &StreamName,
    epoch: u64,
    key: &KeyColumns,
    change: &Change,
    is_replay: bool,
    part_bytes: usize,
) -> Vec<ChangePart> {
    let split = split(&change.difference, part_bytes);
    let parts = u32::try_from(split.len()).unwrap_or(u32::MAX);
    let position = Position { epoch, sequence: change.sequence };
    let part = |(part, Difference { put, deleted })| ChangePart {
        stream: stream.clone(),
        position,
        part,
        parts,
        is_replay,
        key: key.clone(),
        put,
        deleted,
        group: change.group.to_vec(),
        trace: change.trace,
    };
    (0..).zip(split).map(part).collect()
}

/// Splits a difference by size; there is at least one part.
fn split(difference: &Difference, part_bytes: usize) -> Vec<Difference> {
    let mut parts = vec![];
    let (mut part, mut bytes) = (Difference::default(), 0);
    for row in &difference.put {
        if bytes >= part_bytes {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += row.as_json().len() + ROW_OVERHEAD;
        part.put.push(row.clone());
    }
    for key in &difference.deleted {
        if bytes >= part_bytes {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += key.as_json().len() + ROW_OVERHEAD;
        part.deleted.push(key.clone());
    }
    parts.push(part);
    parts
}
