use crate::protocol::ProtocolError;
use crate::protocol::curve::Session;

use pubsub_api::wire::MAX_RECEIVED_BYTES;

/// Both directions of a connection with CURVE: bytes of the socket on one side, frames on the other. No socket, no clock.
#[derive(Debug)]
pub(crate) struct SealedStream {
    session: Box<Session>,
    /// From the socket, and not opened: at most a frame.
    arrived: Vec<u8>,
    /// Opened, and not decoded.
    opened: Vec<u8>,
    /// For the socket.
    sealed: Vec<u8>,
}

/// The largest frame: as without CURVE, one that is ten times too large is stepped over, and not refused.
const MAX_BODY_BYTES: usize = 16 * MAX_RECEIVED_BYTES;

impl SealedStream {
    /// For a session, with the bytes that followed the handshake.
    pub(crate) fn new(session: Box<Session>, arrived: &[u8]) -> Self {
        Self { session, arrived: arrived.to_vec(), opened: Vec::new(), sealed: Vec::new() }
    }

    /// Where to read the next bytes into.
    pub(crate) fn room(&mut self) -> &mut Vec<u8> {
        &mut self.arrived
    }

    /// Opens what has arrived.
    ///
    /// # Errors
    /// A [`ProtocolError`] that ends the connection, after what came before it was taken.
    pub(crate) fn open(&mut self) -> Result<(), ProtocolError> {
        let Self { session, arrived, opened, .. } = self;
        let used = session.opener.open(arrived, MAX_BODY_BYTES, opened)?;
        arrived.drain(..used);
        Ok(())
    }

    /// Takes at most this number of opened bytes.
    pub(crate) fn take_opened(&mut self, most: usize) -> impl AsRef<[u8]> + '_ {
        self.opened.drain(..most.min(self.opened.len()))
    }

    /// Whether opened bytes are left.
    pub(crate) fn has_opened(&self) -> bool {
        !self.opened.is_empty()
    }

    /// Seals whole frames, once all that was sealed before is written.
    ///
    /// # Errors
    /// A [`ProtocolError`] that ends the connection.
    pub(crate) fn seal(&mut self, frames: &mut Vec<u8>) -> Result<(), ProtocolError> {
        if self.sealed.is_empty() {
            let used = self.session.sealer.seal(frames, usize::MAX, &mut self.sealed)?;
            frames.drain(..used);
        }
        Ok(())
    }

    /// What is to be written.
    pub(crate) fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    /// `count` bytes were written.
    pub(crate) fn wrote(&mut self, count: usize) {
        self.sealed.drain(..count);
    }
}
