use pubsub_api::wire::{MAX_RECEIVED_BYTES, WireError};

use crate::protocol::{FrameHead, ProtocolError};

/// The largest frame that is stepped over and not refused. Ten times what is ever taken is still a mistake; beyond, it
/// is an attack or another protocol.
const MAX_FRAME_BYTES: u64 = 16 * MAX_RECEIVED_BYTES as u64;

/// The most frames of a message that is stepped over (docs/guarantees.md#f56).
const MAX_FRAMES: u8 = 16;

/// A message that is being stepped over, because it is no event.
#[derive(Debug)]
pub(super) struct SkippedMessage {
    cause: WireError,
    /// The number of bytes that are left of the current frame.
    left: u64,
    more: bool,
    frames: u8,
}

impl SkippedMessage {
    /// One of which no frame was read yet.
    pub(super) fn new(cause: WireError) -> Self {
        Self { cause, left: 0, more: true, frames: 0 }
    }

    /// Steps over its bytes in `arrived`. Returns the number of these, and the cause once the message has ended.
    ///
    /// # Errors
    /// [`ProtocolError`] for what is never sent by mistake: a command between frames, a frame of more than
    /// [`MAX_FRAME_BYTES`], more than [`MAX_FRAMES`] frames.
    pub(super) fn step_over(&mut self, arrived: &[u8]) -> Result<(usize, Option<WireError>), ProtocolError> {
        let mut used = 0;
        loop {
            let rest = arrived.get(used..).unwrap_or_default();
            let taken = self.left.min(rest.len() as u64);
            self.left -= taken;
            used += usize::try_from(taken).unwrap_or(rest.len());
            if self.left > 0 {
                return Ok((used, None));
            }
            if !self.more {
                return Ok((used, Some(self.cause)));
            }
            let Some(head) = FrameHead::read(arrived.get(used..).unwrap_or_default())? else {
                return Ok((used, None));
            };
            self.begin(head)?;
            used += head.head;
        }
    }

    fn begin(&mut self, head: FrameHead) -> Result<(), ProtocolError> {
        if head.command {
            return Err(ProtocolError::CommandInMessage);
        }
        if head.body > MAX_FRAME_BYTES {
            return Err(ProtocolError::FrameTooLong);
        }
        self.frames += 1;
        if self.frames > MAX_FRAMES {
            return Err(ProtocolError::TooManyFrames);
        }
        self.left = head.body;
        self.more = head.more;
        Ok(())
    }
}
