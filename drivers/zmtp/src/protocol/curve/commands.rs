//! The layouts of the commands and nonces (RFC 26, "The CurveZMQ Protocol").

use crate::protocol::{FrameHead, ProtocolError};

pub(super) const HELLO: &[u8] = b"\x05HELLO";
pub(super) const WELCOME: &[u8] = b"\x07WELCOME";
pub(super) const INITIATE: &[u8] = b"\x08INITIATE";
pub(super) const READY: &[u8] = b"\x05READY";
pub(super) const ERROR: &[u8] = b"\x05ERROR";
pub(super) const MESSAGE: &[u8] = b"\x07MESSAGE";

/// Version 1.0 of CurveZMQ, and the zeros that make a HELLO longer than a WELCOME, so that nobody is served as an amplifier.
pub(super) const VERSION: [u8; 2] = [1, 0];
pub(super) const HELLO_PADDING_BYTES: usize = 72;

/// What a HELLO proves with: zeros in a box.
pub(super) const HELLO_TEXT: [u8; 64] = [0; 64];

/// The bytes of the boxes.
pub(super) const HELLO_BOX_BYTES: usize = 64 + 16;
pub(super) const WELCOME_BOX_BYTES: usize = 32 + COOKIE_BYTES + 16;
pub(super) const COOKIE_BOX_BYTES: usize = 64 + 16;
pub(super) const VOUCH_BOX_BYTES: usize = 64 + 16;

/// A cookie: its nonce and its box.
pub(super) const COOKIE_BYTES: usize = 16 + COOKIE_BOX_BYTES;

/// The beginnings of nonces that end with a number.
pub(super) const HELLO_NONCE: &[u8; 16] = b"CurveZMQHELLO---";
pub(super) const INITIATE_NONCE: &[u8; 16] = b"CurveZMQINITIATE";
pub(super) const READY_NONCE: &[u8; 16] = b"CurveZMQREADY---";
pub(super) const CLIENT_NONCE: &[u8; 16] = b"CurveZMQMESSAGEC";
pub(super) const SERVER_NONCE: &[u8; 16] = b"CurveZMQMESSAGES";

/// The beginnings of nonces that end with random bytes.
pub(super) const WELCOME_NONCE: &[u8; 8] = b"WELCOME-";
pub(super) const COOKIE_NONCE: &[u8; 8] = b"COOKIE--";
pub(super) const VOUCH_NONCE: &[u8; 8] = b"VOUCH---";

/// A nonce that ends with a number.
pub(super) fn numbered(begin: &[u8; 16], number: [u8; 8]) -> [u8; 24] {
    joined(begin, &number)
}

/// A nonce that ends with random bytes.
pub(super) fn random_nonce(begin: &[u8; 8], random: &[u8; 16]) -> [u8; 24] {
    joined(begin, random)
}

fn joined(begin: &[u8], end: &[u8]) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce.iter_mut().zip(begin.iter().chain(end)).for_each(|(place, byte)| *place = *byte);
    nonce
}

/// Takes parts of a fixed length off the front of a command.
pub(super) struct Parts<'a> {
    rest: &'a [u8],
    /// What a missing part means.
    wrong: ProtocolError,
}

impl<'a> Parts<'a> {
    /// The parts after the name of a command; another command is an error of its own.
    pub(super) fn of(body: &'a [u8], name: &[u8], wrong: ProtocolError) -> Result<Self, ProtocolError> {
        let rest = body.strip_prefix(name).ok_or(ProtocolError::CurveUnexpectedCommand)?;
        Ok(Self { rest, wrong })
    }

    /// The parts of a text that was in a box.
    pub(super) fn of_text(rest: &'a [u8], wrong: ProtocolError) -> Self {
        Self { rest, wrong }
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], ProtocolError> {
        let (part, rest) = self.rest.split_first_chunk::<N>().ok_or(self.wrong)?;
        self.rest = rest;
        Ok(part)
    }

    /// All that follows.
    pub(super) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Nothing follows.
    pub(super) fn end(self) -> Result<(), ProtocolError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.wrong) }
    }
}

/// The frame at the start of the traffic of a session: where its body stands, once it is all there.
pub(super) fn frame(
    arrived: &[u8],
    max_body_bytes: usize,
) -> Result<Option<std::ops::Range<usize>>, ProtocolError> {
    let Some(head) = FrameHead::read(arrived)? else { return Ok(None) };
    let body = usize::try_from(head.body).unwrap_or(usize::MAX);
    if body > max_body_bytes {
        return Err(ProtocolError::FrameTooLong);
    }
    if head.more {
        return Err(ProtocolError::CurveBadMessage);
    }
    let end = head.head + body;
    Ok((arrived.len() >= end).then_some(head.head..end))
}
