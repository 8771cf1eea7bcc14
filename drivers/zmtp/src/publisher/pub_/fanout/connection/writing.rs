//! How a connection writes: what is for it alone between two events, the spans of the shared blocks otherwise.

use std::io::{self, IoSlice};
use std::net::TcpStream;
use std::time::Instant;

use pubsub_api::{HELLO, SEND_ALL};
use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};

use super::super::sync_event::sync_event;
use super::{Connection, Phase, Progress};
use crate::lost::lost_event;
use crate::protocol::{FrameHead, put_event};
use crate::publisher::pub_::fanout::block::Span;
use crate::publisher::pub_::fanout::window::{Cursor, Window};

/// How much one connection may write before it is the next one's turn.
const TURN_BYTES: usize = 1024 * 1024;

/// How many parts of blocks are written with one call. 1,024 is the limit (IOV_MAX, writev(2)); blocks are large under
/// load, and 64 lone events are enough for a call.
pub(super) const MAX_SLICES: usize = 64;

impl Connection {
    /// Writes what is to be written, as long as the socket takes it, for at most one turn; how it ended, and how many bytes
    /// went out.
    pub(in crate::publisher::pub_::fanout) fn write(
        &mut self,
        window: &mut Window,
        now: Instant,
    ) -> io::Result<(Progress, usize)> {
        if self.sealed.is_some() {
            return self.write_sealed(window, now);
        }
        let mut written = 0;
        while written < TURN_BYTES {
            self.report_loss();
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let (count, bytes) = self.gather(window, &mut slices);
            if bytes == 0 {
                return Ok((Progress::CaughtUp, written));
            }
            let slices = slices.get(..count).unwrap_or_default();
            match send_all_of(&self.stream, slices) {
                Ok(sent) => {
                    self.sign_of_life(now);
                    self.advance(sent, window, now);
                    written += sent;
                    if sent < bytes {
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

    /// The socket accepted bytes: of a peer in doubt a sign of life.
    pub(super) fn sign_of_life(&mut self, now: Instant) {
        if std::mem::take(&mut self.probes)
            && let Some(heartbeat) = self.heartbeat()
        {
            heartbeat.heard(now);
        }
    }

    /// Before anything later, the peer learns that it missed events.
    pub(super) fn report_loss(&mut self) {
        if self.unreported == 0 || !self.outbox.is_empty() {
            return;
        }
        let missed = std::mem::take(&mut self.unreported);
        let (topic, payload) = if self.subscriptions.name_hello() {
            (HELLO, lost_event(missed))
        } else {
            (SEND_ALL, sync_event())
        };
        put_event(self.outbox.bytes(), topic.as_bytes(), &payload);
    }

    /// What to write next: what is for this connection alone, as soon as no event is half written, else the blocks.
    pub(super) fn gather<'a>(&'a self, window: &'a Window, slices: &mut [IoSlice<'a>]) -> (usize, usize) {
        if let Phase::Requester { replies, .. } = &self.phase
            && (self.outbox.is_empty() || replies.is_begun())
        {
            return replies.gather(!self.outbox.is_empty(), slices);
        }
        if self.outbox.is_empty() {
            return self.gather_blocks(window, slices);
        }
        let alone = match self.begun_event(window) {
            Some((rest, _)) => rest,
            None => self.outbox.waiting(),
        };
        if let Some(first) = slices.first_mut() {
            *first = IoSlice::new(alone);
        }
        (1, alone.len())
    }

    fn gather_blocks<'a>(&self, window: &'a Window, slices: &mut [IoSlice<'a>]) -> (usize, usize) {
        let Some(cursor) = self.cursor else { return (0, 0) };
        let (mut count, mut bytes) = (0, 0);
        for (number, block) in window.from(cursor.block) {
            let at = if number == cursor.block { cursor.at } else { 0 };
            for part in parts(self.audience.spans(window, number), at) {
                let Some(slice) = slices.get_mut(count) else { return (count, bytes) };
                let part = block.bytes().get(part.start as usize..part.end as usize).unwrap_or_default();
                *slice = IoSlice::new(part);
                count += 1;
                bytes += part.len();
            }
            if bytes >= TURN_BYTES {
                break;
            }
        }
        (count, bytes)
    }

    /// The rest of the event that is half written, and the place after it.
    fn begun_event<'a>(&self, window: &'a Window) -> Option<(&'a [u8], u32)> {
        let cursor = self.cursor?;
        let spans = self.audience.spans(window, cursor.block);
        let span = spans.iter().find(|span| span.start < cursor.at && cursor.at < span.end)?;
        let bytes = window.get(cursor.block)?.bytes();
        let end = event_ends(bytes, span.start).find(|end| *end >= cursor.at)?;
        let rest = bytes.get(cursor.at as usize..end as usize)?;
        (!rest.is_empty()).then_some((rest, end))
    }

    pub(super) fn advance(&mut self, sent: usize, window: &mut Window, now: Instant) {
        if let Phase::Requester { replies, .. } = &mut self.phase
            && (self.outbox.is_empty() || replies.is_begun())
        {
            return replies.advance(sent);
        }
        if !self.outbox.is_empty() && self.begun_event(window).is_none() {
            self.outbox.advance(sent);
            if self.outbox.is_empty()
                && let Some(heartbeat) = self.heartbeat()
            {
                heartbeat.ping_written(now);
            }
            return;
        }
        let Some(start) = self.cursor else { return };
        let end = self.cursor_after(start, sent, window);
        if end.map(|cursor| cursor.block) != Some(start.block) {
            window.leave(start.block);
            if let Some(end) = end {
                window.enter(end.block);
            }
        }
        self.cursor = end;
        if let Some((_, until)) = self.audience.before
            && end.is_none_or(|cursor| cursor.block >= until)
        {
            self.audience.before = None;
        }
    }

    /// Its place after `bytes` more; `None` if nothing is left for it.
    fn cursor_after(&self, start: Cursor, sent: usize, window: &Window) -> Option<Cursor> {
        let mut left = sent;
        for number in start.block..window.end() {
            let at = if number == start.block { start.at } else { 0 };
            for part in parts(self.audience.spans(window, number), at) {
                let length = (part.end - part.start) as usize;
                if left < length {
                    let at = part.start + u32::try_from(left).unwrap_or(u32::MAX);
                    return Some(Cursor { block: number, at });
                }
                left -= length;
            }
        }
        None
    }

    /// Gives up what is still to be written of the blocks, but for the rest of an event that was begun; how many events are
    /// missed by that.
    pub(in crate::publisher::pub_::fanout) fn fall_off(&mut self, window: &mut Window) -> u64 {
        let Some(mut cursor) = self.cursor else { return 0 };
        if let Some((rest, end)) = self.begun_event(window) {
            self.outbox.put_first(rest);
            cursor.at = end;
        }
        let mut missed = 0;
        for (number, block) in window.from(cursor.block) {
            let at = if number == cursor.block { cursor.at } else { 0 };
            for part in parts(self.audience.spans(window, number), at) {
                missed += event_ends(block.bytes(), part.start).take_while(|end| *end <= part.end).count();
            }
        }
        window.leave(cursor.block);
        self.cursor = None;
        self.audience.before = None;
        self.unreported += missed as u64;
        missed as u64
    }
}

/// Sends parts with one call; a lone one without the message header of `sendmsg`, which the kernel would copy and check.
fn send_all_of(stream: &TcpStream, parts: &[IoSlice<'_>]) -> rustix::io::Result<usize> {
    match parts {
        [part] => send(stream, part, SendFlags::NOSIGNAL),
        parts => sendmsg(stream, parts, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL),
    }
}

/// The parts of the spans after a place, in order.
fn parts(spans: &[Span], at: u32) -> impl Iterator<Item = Span> + '_ {
    let first = spans.partition_point(|span| span.end <= at);
    let rest = spans.get(first..).unwrap_or_default();
    rest.iter().map(move |span| Span { start: span.start.max(at), end: span.end })
}

/// Where each of our own events ends, from one that begins at `start`.
fn event_ends(bytes: &[u8], start: u32) -> impl Iterator<Item = u32> + '_ {
    let mut at = start as usize;
    std::iter::from_fn(move || {
        loop {
            let head = FrameHead::read(bytes.get(at..)?).ok()??;
            at = at.checked_add(head.head)?.checked_add(usize::try_from(head.body).ok()?)?;
            if !head.more {
                return u32::try_from(at).ok();
            }
        }
    })
}
