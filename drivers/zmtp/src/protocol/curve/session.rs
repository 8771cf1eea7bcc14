use super::commands::{MESSAGE, frame};
use super::secret_box::{StreamKey, TAG_BYTES};
use crate::protocol::frame::{COMMAND, MORE, put_head};
use crate::protocol::{FrameHead, ProtocolError};

/// By how much a sealed frame is longer than its body, without the heads of both: the name of MESSAGE, the number of its nonce,
/// the tag, and the flags.
pub const MESSAGE_OVERHEAD_BYTES: usize = MESSAGE.len() + NUMBER_BYTES + TAG_BYTES + 1;

const NUMBER_BYTES: usize = 8;

/// The flags of a frame within its box (libzmq 4.3.5, `src/curve_mechanism_base.cpp`; RFC 26 has the first).
const SEALED_MORE: u8 = 0b01;
const SEALED_COMMAND: u8 = 0b10;

/// The traffic of a connection in both directions, once its handshake is complete.
///
/// Frames go in and come out as they are without CURVE: whatever encodes and decodes them need not know of it.
#[derive(Debug)]
pub struct Session {
    /// What this end sends.
    pub sealer: Sealer,
    /// What the peer sends.
    pub opener: Opener,
}

/// Seals the frames that this end sends.
#[derive(Debug)]
pub struct Sealer {
    key: StreamKey,
    /// The number of the last nonce.
    last: u64,
}

/// Opens the frames that the peer sends.
#[derive(Debug)]
pub struct Opener {
    key: StreamKey,
    /// The number of the last nonce: the next is greater.
    last: u64,
}

impl Session {
    /// Each with the number of its last nonce.
    pub(super) fn new(sealer: (StreamKey, u64), opener: (StreamKey, u64)) -> Self {
        let ((seals, sealed), (opens, opened)) = (sealer, opener);
        Self { sealer: Sealer { key: seals, last: sealed }, opener: Opener { key: opens, last: opened } }
    }
}

impl Sealer {
    /// Seals whole frames from the start of `frames`, until `out` has `enough` bytes and a message ends. Returns the number of
    /// bytes that it used up: a frame that is not all there is left.
    ///
    /// # Errors
    /// [`ProtocolError::CurveBadNonce`] when the numbers are used up; none will be used twice.
    pub fn seal(&mut self, frames: &[u8], enough: usize, out: &mut Vec<u8>) -> Result<usize, ProtocolError> {
        let mut used = 0;
        loop {
            let rest = frames.get(used..).unwrap_or_default();
            let Some(head) = FrameHead::read(rest)? else { return Ok(used) };
            let end = head.head + usize::try_from(head.body).unwrap_or(usize::MAX - head.head);
            let Some(body) = rest.get(head.head..end) else { return Ok(used) };
            self.seal_frame(head, body, out)?;
            used += end;
            if out.len() >= enough && !head.more {
                return Ok(used);
            }
        }
    }

    fn seal_frame(&mut self, head: FrameHead, body: &[u8], out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        self.last = self.last.checked_add(1).ok_or(ProtocolError::CurveBadNonce)?;
        let number = self.last.to_be_bytes();
        let flags = if head.more { SEALED_MORE } else { 0 } | if head.command { SEALED_COMMAND } else { 0 };
        out.reserve(body.len() + MESSAGE_OVERHEAD_BYTES + FrameHead::MAX_BYTES);
        put_head(out, 0, body.len() + MESSAGE_OVERHEAD_BYTES);
        out.extend_from_slice(MESSAGE);
        out.extend_from_slice(&number);
        let room = out.len();
        out.extend_from_slice(&[0; TAG_BYTES]);
        out.push(flags);
        out.extend_from_slice(body);
        self.key.seal(number, out.get_mut(room..).unwrap_or_default());
        Ok(())
    }
}

impl Opener {
    /// Opens the whole frames at the start of `arrived`, and appends them to `frames`. Returns the number of bytes that it used
    /// up. A body of more than `max_body_bytes` is refused when it is announced.
    ///
    /// # Errors
    /// A [`ProtocolError`] that ends the connection; what came before it is in `frames`.
    pub fn open(
        &mut self,
        arrived: &[u8],
        max_body_bytes: usize,
        frames: &mut Vec<u8>,
    ) -> Result<usize, ProtocolError> {
        let max = max_body_bytes.saturating_add(MESSAGE_OVERHEAD_BYTES);
        let mut used = 0;
        loop {
            let rest = arrived.get(used..).unwrap_or_default();
            let Some(body) = frame(rest, max)? else { return Ok(used) };
            let end = body.end;
            self.open_message(rest.get(body).unwrap_or_default(), frames)?;
            used += end;
        }
    }

    fn open_message(&mut self, body: &[u8], frames: &mut Vec<u8>) -> Result<(), ProtocolError> {
        let wrong = ProtocolError::CurveBadMessage;
        let rest = body.strip_prefix(MESSAGE).ok_or(ProtocolError::CurveUnexpectedCommand)?;
        let (number, rest) = rest.split_first_chunk::<NUMBER_BYTES>().ok_or(wrong)?;
        let (tag, sealed) = rest.split_first_chunk::<TAG_BYTES>().ok_or(wrong)?;
        if sealed.is_empty() {
            return Err(wrong);
        }
        if u64::from_be_bytes(*number) <= self.last {
            return Err(ProtocolError::CurveBadNonce);
        }
        // The flags are where the last byte of the head will be: it is written over them.
        let start = frames.len();
        let length = sealed.len() - 1;
        put_head(frames, 0, length);
        let flags_at = frames.len() - 1;
        let last_of_head = frames.pop().unwrap_or_default();
        frames.extend_from_slice(sealed);
        let text = frames.get_mut(flags_at..).unwrap_or_default();
        if !self.key.open(*number, tag, text) {
            frames.truncate(start);
            return Err(wrong);
        }
        self.last = u64::from_be_bytes(*number);
        let flags = std::mem::replace(text.first_mut().ok_or(wrong)?, last_of_head);
        let known = if flags & SEALED_MORE != 0 { MORE } else { 0 }
            | if flags & SEALED_COMMAND != 0 { COMMAND } else { 0 };
        if let Some(head) = frames.get_mut(start) {
            *head |= known;
        }
        Ok(())
    }
}
