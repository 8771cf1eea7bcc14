use crate::{Error, ErrorKind, Result};

/// The largest map that an author may send, in bytes.
///
/// [`encode`](super::encode) refuses a larger one, so an application learns of it at its call and not from a receiver.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// The largest map that a receiver accepts, in bytes: the keys that a service appends must not push a full event over
/// the limit.
pub const MAX_RECEIVED_BYTES: usize = MAX_EVENT_BYTES + 4 * 1024;

/// Checks that receivers accept a payload of this size: every driver does so in `send`.
///
/// # Errors
/// [`ErrorKind::Invalid`] above [`MAX_RECEIVED_BYTES`]; the text has both sizes.
///
/// ```
/// use events::wire;
///
/// assert!(wire::check_size(&vec![0; wire::MAX_RECEIVED_BYTES]).is_ok());
/// assert!(wire::check_size(&vec![0; wire::MAX_RECEIVED_BYTES + 1]).is_err());
/// ```
pub fn check_size(payload: &[u8]) -> Result<()> {
    if payload.len() <= MAX_RECEIVED_BYTES {
        return Ok(());
    }
    let text =
        format!("the event of {} bytes is too large: the limit is {MAX_RECEIVED_BYTES} bytes", payload.len());
    Err(Error::new(ErrorKind::Invalid, text))
}
