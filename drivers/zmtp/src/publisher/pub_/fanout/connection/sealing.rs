//! How a connection with CURVE reads and writes: each frame for it is sealed when it is written, and many are one write.

use std::io::{self, IoSlice};
use std::time::Instant;

use rustix::net::{SendFlags, send};

use super::writing::MAX_SLICES;
use super::{Connection, Progress};
use crate::protocol::ProtocolError;
use crate::protocol::curve::Session;
use crate::publisher::pub_::fanout::window::Window;

/// The session of a connection, and what of its traffic is under way.
#[derive(Debug)]
pub(in crate::publisher::pub_::fanout) struct Sealed {
    session: Box<Session>,
    /// Frames of the peer that are not handled yet.
    pub(in crate::publisher::pub_::fanout) opened: Vec<u8>,
    /// Sealed frames.
    out: Vec<u8>,
    /// How much of them is written.
    written: usize,
}

/// The number of bytes that are sealed for one write: about a hundred small events. A connection whose socket accepts nothing keeps
/// no more than this and one event.
const CHUNK_BYTES: usize = 32 * 1024;

/// How much one connection may write before it is the next one's turn: sealing it takes about a millisecond.
const TURN_BYTES: usize = 256 * 1024;

/// The largest frame of a peer. What it sends is opened whole: more than the largest request, which is dropped by its cause.
const MAX_BODY_BYTES: usize = 128 * 1024;

impl Sealed {
    /// Opens the frames at the start of `arrived`. Returns the number of bytes that it used up.
    pub(in crate::publisher::pub_::fanout) fn open(
        &mut self,
        arrived: &[u8],
    ) -> Result<usize, ProtocolError> {
        self.session.opener.open(arrived, MAX_BODY_BYTES, &mut self.opened)
    }

    fn waiting(&self) -> &[u8] {
        self.out.get(self.written..).unwrap_or_default()
    }

    pub(super) fn is_written(&self) -> bool {
        self.waiting().is_empty()
    }

    /// `count` bytes were written. A connection that has all keeps no memory for it.
    fn advance(&mut self, count: usize) {
        self.written += count;
        if self.is_written() {
            self.out = Vec::new();
            self.written = 0;
        }
    }
}

impl Connection {
    /// From now on all is sealed, but for what of the handshake is not written yet.
    pub(in crate::publisher::pub_::fanout) fn begin_session(&mut self, session: Box<Session>) {
        let out = self.outbox.take();
        self.sealed = Some(Box::new(Sealed { session, opened: Vec::new(), out, written: 0 }));
    }

    /// As [`write`](Self::write), for a connection with CURVE.
    pub(super) fn write_sealed(
        &mut self,
        window: &mut Window,
        now: Instant,
    ) -> io::Result<(Progress, usize)> {
        let mut written = 0;
        while written < TURN_BYTES {
            let Some(mut sealed) = self.sealed.take() else { break };
            let filled = if sealed.is_written() { self.seal(&mut sealed, window, now) } else { Ok(()) };
            let sent = match sealed.waiting() {
                [] => Ok(0),
                waiting => send(&self.stream, waiting, SendFlags::NOSIGNAL),
            };
            sealed.advance(*sent.as_ref().unwrap_or(&0));
            let (is_sent, is_filled) = (sealed.is_written(), filled.is_ok());
            self.sealed = Some(sealed);
            filled?;
            match sent {
                Ok(0) if is_filled => return Ok((Progress::CaughtUp, written)),
                Ok(sent) => {
                    self.sign_of_life(now);
                    written += sent;
                    if !is_sent {
                        self.blocked = true;
                        return Ok((Progress::Blocked, written));
                    }
                    if !self.has_backlog() {
                        return Ok((Progress::CaughtUp, written));
                    }
                }
                Err(rustix::io::Errno::AGAIN) => {
                    (self.blocked, self.probes) = (true, false);
                    return Ok((Progress::Blocked, written));
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok((Progress::More, written))
    }

    /// Seals what is to be written next, whole events of it, up to a chunk.
    fn seal(&mut self, sealed: &mut Sealed, window: &mut Window, now: Instant) -> io::Result<()> {
        self.report_loss();
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let (count, _) = self.gather(window, &mut slices);
        let mut used = 0;
        for slice in slices.iter().take(count) {
            let sealer = &mut sealed.session.sealer;
            let of_slice = sealer.seal(slice, CHUNK_BYTES, &mut sealed.out).map_err(io::Error::other)?;
            used += of_slice;
            if of_slice < slice.len() || sealed.out.len() >= CHUNK_BYTES {
                break;
            }
        }
        if used > 0 {
            self.advance(used, window, now);
        }
        Ok(())
    }
}
