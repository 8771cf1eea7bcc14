use msgpack::{Head, Reader};

use super::WireError;
use crate::Stamp;

/// Reads a stamp: four unsigned 64-bit integers.
pub(super) fn read_stamp(reader: &mut Reader<'_>) -> Result<Stamp, WireError> {
    if reader.head()? != Head::Array(4) {
        return Err(WireError::WrongType);
    }
    let mut number = || reader.unsigned()?.ok_or(WireError::WrongType);
    Ok(Stamp { publisher: number()?, epoch: number()?, sequence: number()?, time_us: number()? })
}

/// Reads a stamp whose numbers have their full width, as publishers write it. Returns it and the bytes after it.
#[inline]
pub(super) fn stamp_of_full_width(bytes: &[u8]) -> Option<(Stamp, &[u8])> {
    let mut rest = bytes.strip_prefix(b"\x94")?;
    let mut number = || {
        let (number, after) = rest.strip_prefix(b"\xcf")?.split_first_chunk()?;
        rest = after;
        Some(u64::from_be_bytes(*number))
    };
    let stamp = Stamp { publisher: number()?, epoch: number()?, sequence: number()?, time_us: number()? };
    Some((stamp, rest))
}
