//! Reads msgpack by stepping over it: no recursion, no allocation, no trust in announced lengths.

use rmp::Marker;

use super::{MAX_DEPTH, WireError};

/// What is left of the payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// The head of one value: all of it for scalars, what follows for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head<'a> {
    Nil,
    Unsigned(u64),
    Text(&'a str),
    Binary(&'a [u8]),
    /// An array of so many values.
    Array(u64),
    /// A map of so many pairs.
    Map(u64),
    /// Boolean, float, negative number or extension: nothing that a field may hold.
    Scalar,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], WireError> {
        let count = usize::try_from(count).map_err(|_| WireError::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A big-endian unsigned number of `width` bytes.
    fn number(&mut self, width: u64) -> Result<u64, WireError> {
        Ok(self.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn text(&mut self, length: u64) -> Result<Head<'a>, WireError> {
        std::str::from_utf8(self.take(length)?).map(Head::Text).map_err(|_| WireError::NotUtf8)
    }

    fn sized_text(&mut self, width: u64) -> Result<Head<'a>, WireError> {
        let length = self.number(width)?;
        self.text(length)
    }

    fn binary(&mut self, width: u64) -> Result<Head<'a>, WireError> {
        let length = self.number(width)?;
        self.take(length).map(Head::Binary)
    }

    /// Steps over a scalar of `width` bytes.
    fn scalar(&mut self, width: u64) -> Result<Head<'a>, WireError> {
        self.take(width).map(|_| Head::Scalar)
    }

    /// Steps over an extension whose length takes `width` bytes; one byte of type follows the length.
    fn extension(&mut self, width: u64) -> Result<Head<'a>, WireError> {
        let length = self.number(width)?;
        self.scalar(length + 1)
    }

    /// Reads the head of the next value; a scalar, text or binary is read whole.
    pub(super) fn head(&mut self) -> Result<Head<'a>, WireError> {
        let marker = self.number(1).map(|byte| Marker::from_u8(byte.to_le_bytes()[0]))?;
        match marker {
            Marker::Null => Ok(Head::Nil),
            Marker::FixPos(number) => Ok(Head::Unsigned(u64::from(number))),
            Marker::U8 => self.number(1).map(Head::Unsigned),
            Marker::U16 => self.number(2).map(Head::Unsigned),
            Marker::U32 => self.number(4).map(Head::Unsigned),
            Marker::U64 => self.number(8).map(Head::Unsigned),
            Marker::FixStr(length) => self.text(u64::from(length)),
            Marker::Str8 => self.sized_text(1),
            Marker::Str16 => self.sized_text(2),
            Marker::Str32 => self.sized_text(4),
            Marker::Bin8 => self.binary(1),
            Marker::Bin16 => self.binary(2),
            Marker::Bin32 => self.binary(4),
            Marker::FixArray(count) => Ok(Head::Array(u64::from(count))),
            Marker::Array16 => self.number(2).map(Head::Array),
            Marker::Array32 => self.number(4).map(Head::Array),
            Marker::FixMap(count) => Ok(Head::Map(u64::from(count))),
            Marker::Map16 => self.number(2).map(Head::Map),
            Marker::Map32 => self.number(4).map(Head::Map),
            Marker::True | Marker::False | Marker::FixNeg(_) => Ok(Head::Scalar),
            Marker::I8 => self.scalar(1),
            Marker::I16 => self.scalar(2),
            Marker::I32 | Marker::F32 => self.scalar(4),
            Marker::I64 | Marker::F64 => self.scalar(8),
            Marker::FixExt1 => self.scalar(2),
            Marker::FixExt2 => self.scalar(3),
            Marker::FixExt4 => self.scalar(5),
            Marker::FixExt8 => self.scalar(9),
            Marker::FixExt16 => self.scalar(17),
            Marker::Ext8 => self.extension(1),
            Marker::Ext16 => self.extension(2),
            Marker::Ext32 => self.extension(4),
            Marker::Reserved => Err(WireError::NotMsgpack),
        }
    }

    /// Steps over one whole value and returns its bytes.
    pub(super) fn skip(&mut self) -> Result<&'a [u8], WireError> {
        let start = self.rest;
        let mut open = Open::default();
        loop {
            match self.head()? {
                Head::Array(count) if count > 0 => open.push(count)?,
                Head::Map(count) if count > 0 => open.push(count.saturating_mul(2))?,
                _ if open.close_one() => break,
                _ => {}
            }
        }
        start.get(..start.len() - self.rest.len()).ok_or(WireError::Truncated)
    }
}

/// How many values each open array and map still wants.
struct Open {
    wanted: [u64; MAX_DEPTH],
    depth: usize,
}

impl Default for Open {
    fn default() -> Self {
        Self { wanted: [0; MAX_DEPTH], depth: 0 }
    }
}

impl Open {
    fn push(&mut self, count: u64) -> Result<(), WireError> {
        *self.wanted.get_mut(self.depth).ok_or(WireError::TooDeep)? = count;
        self.depth += 1;
        Ok(())
    }

    /// One value is complete; true if that completes the outermost one.
    fn close_one(&mut self) -> bool {
        while let Some(wanted) = self.depth.checked_sub(1).and_then(|top| self.wanted.get_mut(top)) {
            *wanted -= 1;
            if *wanted > 0 {
                return false;
            }
            self.depth -= 1;
        }
        true
    }
}
