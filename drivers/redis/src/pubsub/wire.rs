//! RESP2, as much of it as pub/sub needs: commands go out, frames come in.
//!
//! The reader believes no announced length: it takes memory for what has come, steps over what is larger than any event may
//! be, and ends a connection on which something else than RESP2 is spoken. The library's parser is not used here: it does
//! not tell how far a value has come, and keeps all of a large one.

use bytes::{Buf, Bytes, BytesMut};
use pubsub_api::wire::MAX_RECEIVED_BYTES;

/// One thing that a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// A line such as `PONG`.
    Status(String),
    /// A refusal, with its code as the first word.
    Refused(String),
    /// A number.
    Int(i64),
    /// Bytes.
    Bulk(Bytes),
    /// Nothing.
    Nil,
    /// Bytes that were too many, and were stepped over.
    TooBig,
    /// Several frames.
    List(Vec<Frame>),
}

/// That what came is not RESP2, or not what a server says here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// How much one frame may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Frames within it, all lists together.
    items: usize,
    /// Lists within lists.
    depth: usize,
}

impl Bounds {
    /// What a subscription or a PUBLISH is answered with, and what is delivered.
    pub(super) const PUBSUB: Self = Self { items: 8, depth: 1 };
    /// A role: of a master with its replicas, three words of each.
    pub(super) const ROLE: Self = Self { items: 16_384, depth: 3 };
    /// Who serves which slots: at the most a range for each of 16,384 slots, each with a few nodes.
    pub(super) const SLOTS: Self = Self { items: 1_000_000, depth: 5 };
}

/// A line that announces something, or a refusal, is never longer.
const MAX_LINE: usize = 16 * 1024;

/// Larger payloads keep the memory that they were read into; smaller ones are copied, so that none holds a whole read.
const COPIED: usize = 16 * 1024;

/// Finds frames in the bytes that come.
#[derive(Debug)]
pub(super) struct Decoder {
    bounds: Bounds,
    /// Lists that are not complete, each with how many frames are wanting.
    open: Vec<(usize, Vec<Frame>)>,
    items: usize,
    /// How many bytes are still to be stepped over.
    skip: usize,
}

impl Decoder {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, open: Vec::new(), items: 0, skip: 0 }
    }

    /// The next frame, which leaves the buffer; `None` until more has come.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, Malformed> {
        loop {
            let Some(item) = self.item(buffer)? else { return Ok(None) };
            if let Some(frame) = item.and_then(|item| self.complete(item)) {
                self.items = 0;
                return Ok(Some(frame));
            }
        }
    }

    /// One item, or `None` within if a list begins.
    fn item(&mut self, buffer: &mut BytesMut) -> Result<Option<Option<Frame>>, Malformed> {
        if self.skip > 0 {
            let skipped = self.skip.min(buffer.len());
            buffer.advance(skipped);
            self.skip -= skipped;
            return Ok((self.skip == 0).then_some(Some(Frame::TooBig)));
        }
        let Some(end) = buffer.iter().take(MAX_LINE).position(|byte| *byte == b'\n') else {
            return if buffer.len() >= MAX_LINE { Err(Malformed) } else { Ok(None) };
        };
        let line = buffer.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Malformed)?;
        let (sort, rest) = line.split_first().ok_or(Malformed)?;
        let rest = std::str::from_utf8(rest).map_err(|_| Malformed);
        let frame = match sort {
            b'$' => return self.bulk(end + 1, number(rest?)?, buffer),
            b'*' => {
                let count = number(rest?)?;
                buffer.advance(end + 1);
                return self.list(count).map(Some);
            }
            b'+' => Frame::Status(rest?.to_owned()),
            // A server may repeat in it what it was sent.
            b'-' => Frame::Refused(String::from_utf8_lossy(line.get(1..).unwrap_or_default()).into_owned()),
            b':' => Frame::Int(number(rest?)?),
            _ => return Err(Malformed),
        };
        buffer.advance(end + 1);
        Ok(Some(Some(frame)))
    }

    fn bulk(
        &mut self,
        start: usize,
        length: i64,
        buffer: &mut BytesMut,
    ) -> Result<Option<Option<Frame>>, Malformed> {
        if length == -1 {
            buffer.advance(start);
            return Ok(Some(Some(Frame::Nil)));
        }
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        if length > MAX_RECEIVED_BYTES {
            buffer.advance(start);
            self.skip = length.checked_add(2).ok_or(Malformed)?;
            return self.item(buffer);
        }
        let end = start + length;
        match buffer.get(end..end + 2) {
            None => return Ok(None),
            Some(b"\r\n") => {}
            Some(_) => return Err(Malformed),
        }
        buffer.advance(start);
        let bytes = match length {
            ..COPIED => Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default()),
            _ => buffer.split_to(length).freeze(),
        };
        buffer.advance(if length < COPIED { length + 2 } else { 2 });
        Ok(Some(Some(Frame::Bulk(bytes))))
    }

    fn list(&mut self, count: i64) -> Result<Option<Frame>, Malformed> {
        if count == -1 {
            return Ok(Some(Frame::Nil));
        }
        let count = usize::try_from(count).map_err(|_| Malformed)?;
        self.items = self.items.saturating_add(count);
        if self.items > self.bounds.items || self.open.len() >= self.bounds.depth {
            return Err(Malformed);
        }
        if count == 0 {
            return Ok(Some(Frame::List(Vec::new())));
        }
        self.open.push((count, Vec::new()));
        Ok(None)
    }

    /// Puts an item into its list; gives what is complete with it.
    fn complete(&mut self, mut item: Frame) -> Option<Frame> {
        loop {
            let Some((wanting, list)) = self.open.last_mut() else { return Some(item) };
            list.push(item);
            *wanting -= 1;
            if *wanting > 0 {
                return None;
            }
            item = Frame::List(self.open.pop().map(|(_, list)| list).unwrap_or_default());
        }
    }
}

fn number(text: &str) -> Result<i64, Malformed> {
    text.parse().map_err(|_| Malformed)
}

/// Appends a command.
pub(super) fn command(out: &mut BytesMut, arguments: &[&[u8]]) {
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests;
