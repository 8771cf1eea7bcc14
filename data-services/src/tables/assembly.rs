use std::collections::BTreeMap;
use std::time::Duration;

use delivery::Position;

use super::limits::{MAX_ASSEMBLIES, PART_GRACE};
use super::message::ChangePart;
use super::table_event::{KeyedChange, keyed, size};

/// Changes of one stream of which some parts have arrived, bounded in number and bytes.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone, Hash))]
pub(super) struct Assemblies {
    epoch: u64,
    changes: BTreeMap<u64, Assembly>,
    bytes: usize,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Hash))]
struct Assembly {
    /// The parts by number; their own groups are empty but for the first that arrived.
    parts: BTreeMap<u32, KeyedChange>,
    of: u32,
    bytes: usize,
    moved: Duration,
    is_reported: bool,
}

/// What became of a part.
#[derive(Debug)]
pub(super) enum Assembled {
    /// The change is complete.
    Complete(KeyedChange),
    /// Other parts are missing, or this one was there already.
    Partial,
    /// A row lacks a key column, or the part contradicts another one.
    Invalid,
}

impl Assemblies {
    /// Adds a part.
    pub(super) fn put(&mut self, now: Duration, part: ChangePart, limit: usize) -> Assembled {
        let (position, number, of) = (part.position, part.part, part.parts);
        let Some(part) = keyed_part(part) else { return Assembled::Invalid };
        if of == 0 || number >= of {
            return Assembled::Invalid;
        }
        if of == 1 {
            return Assembled::Complete(part);
        }
        if self.epoch != position.epoch {
            *self = Self { epoch: position.epoch, ..Self::default() };
        }
        let assembly = self.changes.entry(position.sequence).or_insert_with(|| Assembly::new(of, now));
        let is_other_key = assembly.parts.values().next().is_some_and(|first| first.key != part.key);
        if assembly.of != of || is_other_key {
            self.remove(position.sequence);
            return Assembled::Invalid;
        }
        if assembly.parts.contains_key(&number) {
            return Assembled::Partial;
        }
        assembly.moved = now;
        assembly.bytes += part.bytes;
        self.bytes += part.bytes;
        assembly.parts.insert(number, part);
        if assembly.parts.len() as u64 == u64::from(of) {
            return self.complete(position.sequence).map_or(Assembled::Partial, Assembled::Complete);
        }
        while self.bytes > limit || self.changes.len() > MAX_ASSEMBLIES {
            // The latest is requested again last.
            let Some(last) = self.changes.keys().next_back().copied() else { break };
            self.remove(last);
        }
        Assembled::Partial
    }

    /// Drops what is not needed any more: everything up to a position, and of other epochs.
    pub(super) fn drop_up_to(&mut self, position: Position) {
        if self.epoch != position.epoch {
            return;
        }
        while let Some(first) =
            self.changes.keys().next().copied().filter(|first| *first <= position.sequence)
        {
            self.remove(first);
        }
    }

    /// Whether a part of a change after a position is there.
    pub(super) fn has_after(&self, position: Position) -> bool {
        let last = self.changes.keys().next_back();
        last.is_some_and(|last| Position { epoch: self.epoch, sequence: *last } > position)
    }

    /// Returns the position of a change whose parts stopped arriving, once: it is to be requested. What has arrived of it is
    /// kept.
    pub(super) fn overdue(&mut self, now: Duration) -> Option<Position> {
        let is_overdue = |assembly: &Assembly| !assembly.is_reported && assembly.moved + PART_GRACE <= now;
        let (sequence, assembly) = self.changes.iter_mut().find(|(_, assembly)| is_overdue(assembly))?;
        assembly.is_reported = true;
        Some(Position { epoch: self.epoch, sequence: *sequence })
    }

    /// When the first change is overdue.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let waiting = self.changes.values().filter(|assembly| !assembly.is_reported);
        waiting.map(|assembly| assembly.moved + PART_GRACE).min()
    }

    /// Moves its times into the past.
    #[cfg(test)]
    pub(super) fn age(&mut self, by: Duration) {
        self.changes.values_mut().for_each(|assembly| assembly.moved = assembly.moved.saturating_sub(by));
    }

    fn remove(&mut self, sequence: u64) -> Option<Assembly> {
        let removed = self.changes.remove(&sequence)?;
        self.bytes -= removed.bytes;
        Some(removed)
    }

    fn complete(&mut self, sequence: u64) -> Option<KeyedChange> {
        let mut parts = self.remove(sequence)?.parts.into_values();
        let mut change = parts.next()?;
        for part in parts {
            change.put.extend(part.put);
            change.deleted.extend(part.deleted);
            change.bytes += part.bytes;
        }
        Some(change)
    }
}

impl Assembly {
    fn new(of: u32, now: Duration) -> Self {
        Self { parts: BTreeMap::new(), of, bytes: 0, moved: now, is_reported: false }
    }
}

fn keyed_part(part: ChangePart) -> Option<KeyedChange> {
    let put = keyed(&part.key, part.put)?;
    let bytes = size(&put, &part.deleted);
    let ChangePart { position, key, deleted, group, trace, .. } = part;
    Some(KeyedChange { position, key, put, deleted, group, trace, bytes })
}
