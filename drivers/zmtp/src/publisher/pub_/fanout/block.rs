use bytes::Bytes;
use pubsub_api::PeerId;

use super::filters::GroupId;

/// Encoded events, shared by every connection, and which group receives which of them.
#[derive(Debug)]
pub(super) struct Block {
    bytes: Bytes,
    /// Whether its memory is its own, and not that of a record which the publisher keeps.
    is_own: bool,
    /// The memory of the bytes, or of a shared record its part, in bytes.
    memory: usize,
    /// Sorted by group.
    wanted: Vec<GroupSpans>,
    spans: Vec<Span>,
    /// The one peer that this is for, all of it.
    only: Option<PeerId>,
}

/// Whole events that stand side by side in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Which spans of a block a group wants.
#[derive(Debug, Clone, Copy)]
struct GroupSpans {
    group: GroupId,
    first: u32,
    end: u32,
}

/// What a block costs besides its bytes and spans: the allocations, and a place in a window.
const OVERHEAD_BYTES: usize = 256;

impl Block {
    /// A block without an audience yet.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let memory = bytes.capacity();
        Self {
            bytes: Bytes::from(bytes),
            is_own: true,
            memory,
            wanted: Vec::new(),
            spans: Vec::new(),
            only: None,
        }
    }

    /// A part of a record, without an audience yet.
    pub(super) fn shared(bytes: Bytes) -> Self {
        Self { memory: bytes.len(), bytes, is_own: false, ..Self::new(Vec::new()) }
    }

    /// A block for one peer only.
    pub(super) fn only(peer: PeerId, bytes: Vec<u8>) -> Self {
        let end = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self { spans: vec![Span { start: 0, end }], only: Some(peer), ..Self::new(bytes) }
    }

    /// Adds what a group wants; groups come in ascending order.
    pub(super) fn add(&mut self, group: GroupId, spans: &[Span]) {
        let first = self.spans.len();
        self.spans.extend_from_slice(spans);
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        self.wanted.push(GroupSpans { group, first: number(first), end: number(self.spans.len()) });
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its memory, if that is its own.
    pub(super) fn into_buffer(self) -> Option<Vec<u8>> {
        self.is_own.then(|| Vec::from(self.bytes))
    }

    /// The memory that it costs, in bytes; of a shared record, its part.
    pub(super) fn weight(&self) -> u64 {
        let lists =
            self.spans.capacity() * size_of::<Span>() + self.wanted.capacity() * size_of::<GroupSpans>();
        (self.memory + lists + OVERHEAD_BYTES) as u64
    }

    /// The groups that want some of it.
    pub(super) fn groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        self.wanted.iter().map(|wanted| wanted.group)
    }

    pub(super) fn only_for(&self) -> Option<PeerId> {
        self.only
    }

    /// What a peer in a group wants of it, in order.
    pub(super) fn spans_for(&self, group: GroupId, peer: PeerId) -> &[Span] {
        match self.only {
            Some(only) if only == peer => &self.spans,
            Some(_) => &[],
            None => {
                let place = self.wanted.binary_search_by_key(&group, |wanted| wanted.group);
                let found = place.ok().and_then(|place| self.wanted.get(place));
                found
                    .and_then(|wanted| self.spans.get(wanted.first as usize..wanted.end as usize))
                    .unwrap_or_default()
            }
        }
    }
}
