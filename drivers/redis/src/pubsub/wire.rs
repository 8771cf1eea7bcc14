//! RESP2, the part that pub/sub needs: commands out, frames in.
//!
//! The reader does not trust announced lengths: it allocates memory only for received bytes, skips values that are larger than
//! any valid event, and ends a connection whose peer does not speak RESP2. The library's parser is not used here: it does
//! not report the progress of a value, and keeps all of a large one.

use bytes::{Buf, Bytes, BytesMut};
use pubsub_api::wire::MAX_RECEIVED_BYTES;

/// One message of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RespFrame {
    /// A line such as `PONG`.
    Status(String),
    /// An error reply, with its code as the first word.
    Refused(String),
    /// An integer.
    Int(i64),
    /// Bytes.
    Bulk(Bytes),
    /// No value.
    Nil,
    /// A value that was too large and was skipped.
    TooBig,
    /// Several frames.
    List(Vec<RespFrame>),
}

/// The input is not RESP2, or not valid here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The limits of one frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Number of frames inside it, in all lists together.
    items: usize,
    /// Depth of nested lists.
    depth: usize,
}

impl Bounds {
    /// For answers to subscriptions and PUBLISH, and for delivered events.
    pub(super) const PUBSUB: Self = Self { items: 8, depth: 1 };
    /// For the role of a master with its replicas, three strings for each.
    pub(super) const ROLE: Self = Self { items: 16_384, depth: 3 };
    /// For CLUSTER SLOTS: at most one range for each of 16,384 slots, each with a few nodes.
    pub(super) const SLOTS: Self = Self { items: 1_000_000, depth: 5 };
}

/// The longest line: a length, an integer, a status or an error reply.
const MAX_LINE: usize = 16 * 1024;

/// Larger payloads keep the memory of their read; smaller ones are copied, so that none keeps a whole read in memory.
const COPIED: usize = 16 * 1024;

/// Parses frames from the input.
#[derive(Debug)]
pub(super) struct Decoder {
    bounds: Bounds,
    /// Incomplete lists, each with the number of missing frames.
    open: Vec<(usize, Vec<RespFrame>)>,
    items: usize,
    /// Number of bytes still to skip.
    skip: usize,
}

impl Decoder {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, open: Vec::new(), items: 0, skip: 0 }
    }

    /// Removes and returns the next frame; `None` if it is not complete yet.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<RespFrame>, Malformed> {
        loop {
            let Some(item) = self.item(buffer)? else { return Ok(None) };
            if let Some(frame) = item.and_then(|item| self.complete(item)) {
                self.items = 0;
                return Ok(Some(frame));
            }
        }
    }

    /// One item; the inner `None` means that a list begins.
    fn item(&mut self, buffer: &mut BytesMut) -> Result<Option<Option<RespFrame>>, Malformed> {
        if self.skip > 0 {
            let skipped = self.skip.min(buffer.len());
            buffer.advance(skipped);
            self.skip -= skipped;
            return Ok((self.skip == 0).then_some(Some(RespFrame::TooBig)));
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
            b'+' => RespFrame::Status(rest?.to_owned()),
            // A server may repeat its input in this line.
            b'-' => {
                RespFrame::Refused(String::from_utf8_lossy(line.get(1..).unwrap_or_default()).into_owned())
            }
            b':' => RespFrame::Int(number(rest?)?),
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
    ) -> Result<Option<Option<RespFrame>>, Malformed> {
        if length == -1 {
            buffer.advance(start);
            return Ok(Some(Some(RespFrame::Nil)));
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
        Ok(Some(Some(RespFrame::Bulk(bytes))))
    }

    fn list(&mut self, count: i64) -> Result<Option<RespFrame>, Malformed> {
        if count == -1 {
            return Ok(Some(RespFrame::Nil));
        }
        let count = usize::try_from(count).map_err(|_| Malformed)?;
        self.items = self.items.saturating_add(count);
        if self.items > self.bounds.items || self.open.len() >= self.bounds.depth {
            return Err(Malformed);
        }
        if count == 0 {
            return Ok(Some(RespFrame::List(Vec::new())));
        }
        self.open.push((count, Vec::new()));
        Ok(None)
    }

    /// Adds an item to its list; returns the frame that it completes.
    fn complete(&mut self, mut item: RespFrame) -> Option<RespFrame> {
        loop {
            let Some((wanting, list)) = self.open.last_mut() else { return Some(item) };
            list.push(item);
            *wanting -= 1;
            if *wanting > 0 {
                return None;
            }
            item = RespFrame::List(self.open.pop().map(|(_, list)| list).unwrap_or_default());
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
