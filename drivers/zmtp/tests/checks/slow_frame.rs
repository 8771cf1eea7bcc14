//! Frames by the letter of RFC 37, for comparison.

use drivers_zmtp::protocol::ProtocolError;

/// A frame whose head is there; its body may not be.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) more: bool,
    pub(crate) command: bool,
    pub(crate) size: u64,
    pub(crate) body_at: usize,
    pub(crate) body: Option<&'a [u8]>,
}

/// The frame whose head begins at `at`; `None` if the head is not all there.
pub(crate) fn next_frame(bytes: &[u8], at: usize) -> Result<Option<Frame<'_>>, ProtocolError> {
    let rest = bytes.get(at..).unwrap_or_default();
    let (more, long, command) = match rest.first() {
        None => return Ok(None),
        Some(0) => (false, false, false),
        Some(1) => (true, false, false),
        Some(2) => (false, true, false),
        Some(3) => (true, true, false),
        Some(4) => (false, false, true),
        Some(6) => (false, true, true),
        Some(_) => return Err(ProtocolError::BadFlags),
    };
    let (size, head) = match (long, rest) {
        (false, [_, size, ..]) => (u64::from(*size), 2),
        (true, [_, a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 9),
        _ => return Ok(None),
    };
    if size > u64::MAX / 2 {
        return Err(ProtocolError::FrameTooLong);
    }
    let body_at = at + head;
    let body = usize::try_from(size).ok().and_then(|size| bytes.get(body_at..)?.get(..size));
    Ok(Some(Frame { more, command, size, body_at, body }))
}
