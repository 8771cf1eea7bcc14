use std::ops::Range;

use msgpack::{Head, Reader};
use pubsub_api::wire::{SealedRef, WireError};

/// Where the parts of an event's map are that sealing replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MapParts<'a> {
    pub(crate) table: Name<'a>,
    pub(crate) key: Name<'a>,
    /// The packed value.
    pub(crate) value: Range<usize>,
    /// The pair `sealed`, from its key on.
    pub(crate) sealed: Option<Range<usize>>,
}

/// A table or key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    /// The packed name.
    pub(crate) range: Range<usize>,
    /// Its text; `None` for nil.
    pub(crate) text: Option<&'a [u8]>,
}

impl<'a> MapParts<'a> {
    /// Finds the parts of a packed map. The ranges count from its beginning.
    ///
    /// # Errors
    /// The [`WireError`] of a map that is no event; not everything is checked.
    pub(crate) fn find(map: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(map);
        let Head::Map(pairs) = reader.head()? else { return Err(WireError::NotAMap) };
        let at = |reader: &Reader<'_>| map.len() - reader.left();
        let (mut parts, mut found) = (Self::default(), [false; 3]);
        for _ in 0..pairs {
            let start = at(&reader);
            let Head::Text(name) = reader.head()? else { return Err(WireError::KeyNotText) };
            let from = at(&reader);
            let head = read_value(&mut reader)?;
            let range = from..at(&reader);
            let [table, key, value] = &mut found;
            match name {
                b"table" => once(table, &mut parts.table, Name::new(range, head)?)?,
                b"key" => once(key, &mut parts.key, Name::new(range, head)?)?,
                b"value" => once(value, &mut parts.value, range)?,
                _ if name == SealedRef::KEY.as_bytes() => parts.sealed = Some(start..range.end),
                _ => {}
            }
        }
        match found {
            _ if !reader.is_at_end() => Err(WireError::Trailing),
            [true, true, true] => Ok(parts),
            _ => Err(WireError::MissingField),
        }
    }
}

/// Reads one whole value, and checks its text.
fn read_value<'a>(reader: &mut Reader<'a>) -> Result<Head<'a>, WireError> {
    let head = reader.pass()?;
    if let Head::Text(text) = head {
        msgpack::utf8(text)?;
    }
    Ok(head)
}

impl<'a> Name<'a> {
    fn new(range: Range<usize>, head: Head<'a>) -> Result<Self, WireError> {
        let text = match head {
            Head::Text(text) | Head::Binary(text) => Some(text),
            Head::Nil => None,
            _ => return Err(WireError::WrongType),
        };
        Ok(Self { range, text })
    }
}

fn once<T>(is_found: &mut bool, place: &mut T, part: T) -> Result<(), WireError> {
    *place = part;
    match std::mem::replace(is_found, true) {
        false => Ok(()),
        true => Err(WireError::DuplicateKey),
    }
}
