use std::ops::Range;

use pubsub_api::wire::{GrownMap, WireError};

use crate::map_parts::{MapParts, Name};
use crate::row_tags::{RowTags, TABLE, TAG_BYTES};
use crate::settings::SealedParts;

/// How the map of an event is sealed: which parts are replaced, and what is encrypted.
#[derive(Debug, Clone)]
pub struct SealPlan<'a> {
    map: &'a [u8],
    /// With the pair `stamp` more: what a publisher sends that does not seal.
    plain: GrownMap<'a>,
    /// With the pairs `stamp` and `sealed` more.
    sealed: GrownMap<'a>,
    found: MapParts<'a>,
    parts: SealedParts,
}

const NIL: u8 = 0xc0;

/// What stands in the place of a part.
enum Outside {
    Nil,
    Table,
    Tag,
}

impl<'a> SealPlan<'a> {
    /// Reads the map of an author, which has neither a stamp nor a sealed value. It needs no key.
    ///
    /// # Errors
    /// The [`WireError`] of a map that is no event, or is sealed already.
    pub fn of(map: &'a [u8], parts: SealedParts) -> Result<Self, WireError> {
        let (plain, sealed) = (GrownMap::new(map, 1)?, GrownMap::new(map, 2)?);
        let found = MapParts::find(map)?;
        match found.sealed {
            None => Ok(Self { map, plain, sealed, found, parts }),
            Some(_) => Err(WireError::Sealed),
        }
    }

    /// The number of bytes of the map before the pairs `stamp` and `sealed`.
    pub(crate) fn bytes_before(&self) -> usize {
        let inside: usize = self.replaced().map(|(range, _)| range.len()).sum();
        let outside: usize = self.replaced().map(|(_, outside)| outside.bytes()).sum();
        self.sealed.bytes_with(0) + outside - inside
    }

    /// The number of bytes that are encrypted.
    pub(crate) fn text_bytes(&self) -> usize {
        self.plain.head().len() + self.inside().map(|range| range.len()).sum::<usize>()
    }

    /// Appends the map before the pairs `stamp` and `sealed`.
    pub(crate) fn put_before(&self, tags: Option<&RowTags>, out: &mut Vec<u8>) {
        out.extend_from_slice(self.sealed.head());
        let mut from = self.map.len() - self.sealed.pairs().len();
        for (range, outside) in self.replaced() {
            out.extend_from_slice(self.part(from..range.start));
            from = range.end;
            match (outside, tags) {
                (Outside::Nil, _) => out.push(NIL),
                (Outside::Table, _) => out.extend_from_slice(TABLE),
                (Outside::Tag, Some(tags)) => {
                    let MapParts { table, key, .. } = &self.found;
                    tags.put(table.text.unwrap_or_default(), key.text.unwrap_or_default(), out);
                }
                // A sealer of rows has them.
                (Outside::Tag, None) => out.extend_from_slice(&[NIL; TAG_BYTES]),
            }
        }
        out.extend_from_slice(self.part(from..self.map.len()));
    }

    /// Appends what is encrypted: the head of the map as it is without sealing, the value, and if they are sealed table and key.
    pub(crate) fn put_text(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.plain.head());
        for range in self.inside() {
            out.extend_from_slice(self.part(range));
        }
    }

    fn part(&self, range: Range<usize>) -> &'a [u8] {
        self.map.get(range).unwrap_or_default()
    }

    /// The parts that are encrypted.
    fn inside(&self) -> impl Iterator<Item = Range<usize>> {
        let MapParts { table, key, value, .. } = &self.found;
        let row = (self.parts == SealedParts::Row).then(|| [table.range.clone(), key.range.clone()]);
        std::iter::once(value.clone()).chain(row.into_iter().flatten())
    }

    /// The parts that are replaced, in the order of the map. Nil stays: whether an event is of a row is visible.
    fn replaced(&self) -> impl Iterator<Item = (Range<usize>, Outside)> {
        let MapParts { table, key, value, .. } = &self.found;
        let name = |name: &Name<'_>, outside| {
            let is_sealed = self.parts == SealedParts::Row && name.text.is_some();
            is_sealed.then(|| (name.range.clone(), outside))
        };
        let mut replaced =
            [Some((value.clone(), Outside::Nil)), name(table, Outside::Table), name(key, Outside::Tag)];
        replaced.sort_unstable_by_key(|part| part.as_ref().map_or(0, |(range, _)| range.start));
        replaced.into_iter().flatten()
    }
}

impl Outside {
    fn bytes(&self) -> usize {
        match self {
            Self::Nil => 1,
            Self::Table => TABLE.len(),
            Self::Tag => TAG_BYTES,
        }
    }
}
