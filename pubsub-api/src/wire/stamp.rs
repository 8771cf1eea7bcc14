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
