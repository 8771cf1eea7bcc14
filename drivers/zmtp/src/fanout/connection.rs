use std::io::{self, IoSlice, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use pubsub_api::{HELLO, PeerId, SEND_ALL};
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};

use super::admission::Place;
use super::block::Span;
use super::filters::GroupId;
use super::outbox::Outbox;
use super::subscriptions::Subscriptions;
use super::window::{Cursor, Window};
use crate::lost::lost_event;
use crate::protocol::{FrameHead, Handshake, Heartbeat, PeerDecoder, put_event};
use crate::sync::sync_event;

/// One peer: its socket, how far the handshake is, what it wants, and how far it has got.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) address: SocketAddr,
    pub(super) phase: Phase,
    /// What came and is not yet decoded.
    pub(super) arrived: Vec<u8>,
    /// The socket may have more to read.
    pub(super) readable: bool,
    pub(super) outbox: Outbox,
    pub(super) audience: Audience,
    pub(super) subscriptions: Subscriptions,
    /// Events that fell off before they were written, and the peer does not know it yet.
    pub(super) untold: u64,
    /// The next byte of the blocks to write; `None` while the peer has all that it wants.
    cursor: Option<Cursor>,
    /// The socket takes nothing more for now.
    blocked: bool,
    _place: Place,
}

/// How far a connection is.
#[derive(Debug)]
pub(super) enum Phase {
    Handshake {
        machine: Handshake,
        since: Instant,
    },
    /// A subscriber, served.
    Subscriber {
        heartbeat: Heartbeat,
        decoder: PeerDecoder,
    },
    /// A peer that may send requests.
    Requester {
        heartbeat: Heartbeat,
        decoder: PeerDecoder,
    },
}

/// Which spans of the blocks are for a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Audience {
    pub(super) peer: PeerId,
    /// `None` before the handshake, and for who does not subscribe.
    pub(super) group: Option<GroupId>,
    /// The group that it was in until a block, while blocks before that are still to be written.
    pub(super) before: Option<(GroupId, u64)>,
}

impl Audience {
    fn spans<'a>(&self, window: &'a Window, number: u64) -> &'a [Span] {
        let group = match self.before {
            Some((group, until)) if number < until => Some(group),
            _ => self.group,
        };
        let (Some(group), Some(block)) = (group, window.get(number)) else { return &[] };
        block.spans_for(group, self.peer)
    }
}

/// How a turn of writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing is left to write.
    CaughtUp,
    /// The socket takes no more: epoll tells when it does.
    Blocked,
    /// Its turn is over.
    More,
}

/// How much one connection may write before it is the next one's turn.
const TURN_BYTES: usize = 1024 * 1024;

/// How many parts of blocks are written with one call. 1,024 is the limit (IOV_MAX, writev(2)); blocks are large under
/// load, and 64 lone events are enough for a call.
const MAX_SLICES: usize = 64;

impl Connection {
    pub(super) fn new(
        stream: TcpStream,
        address: SocketAddr,
        peer: PeerId,
        place: Place,
        handshake: (Handshake, Vec<u8>),
        now: Instant,
    ) -> Self {
        let (machine, greeting) = handshake;
        let mut outbox = Outbox::default();
        outbox.bytes().extend_from_slice(&greeting);
        Self {
            stream,
            address,
            phase: Phase::Handshake { machine, since: now },
            arrived: Vec::new(),
            readable: true,
            outbox,
            audience: Audience { peer, group: None, before: None },
            subscriptions: Subscriptions::default(),
            untold: 0,
            cursor: None,
            blocked: false,
            _place: place,
        }
    }

    /// Whether something is to be written, and the socket is not known to refuse it.
    pub(super) fn can_write(&self) -> bool {
        !self.blocked && self.has_backlog()
    }

    /// Whether something is still to be written.
    pub(super) fn has_backlog(&self) -> bool {
        self.cursor.is_some() || !self.outbox.is_empty() || self.untold > 0
    }

    /// Whether what it says may be acted on: not while an earlier change of its filters is unfinished, nor while it takes no
    /// answers.
    pub(super) fn may_read(&self) -> bool {
        self.readable && self.audience.before.is_none() && !self.outbox.is_full()
    }

    /// The block in which it stands.
    pub(super) fn stands_in(&self) -> Option<u64> {
        self.cursor.map(|cursor| cursor.block)
    }

    /// A block has something for it; true if it had all before that.
    pub(super) fn is_wanted_from(&mut self, number: u64, window: &mut Window) -> bool {
        if self.cursor.is_some() {
            return false;
        }
        window.enter(number);
        self.cursor = Some(Cursor { block: number, at: 0 });
        !self.blocked
    }

    /// The socket takes bytes again, which only a living peer makes it do; true if it had not.
    pub(super) fn unblock(&mut self, now: Instant) -> bool {
        if !self.blocked {
            return false;
        }
        self.blocked = false;
        if let Some(heartbeat) = self.heartbeat() {
            heartbeat.heard(now);
        }
        true
    }

    pub(super) fn heartbeat(&mut self) -> Option<&mut Heartbeat> {
        match &mut self.phase {
            Phase::Handshake { .. } => None,
            Phase::Subscriber { heartbeat, .. } | Phase::Requester { heartbeat, .. } => Some(heartbeat),
        }
    }

    /// Reads once what is there; `false` at the end of the stream. `readable` tells whether there may be more.
    pub(super) fn read(&mut self, scratch: &mut [u8], now: Instant) -> io::Result<bool> {
        match (&self.stream).read(scratch) {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.arrived.extend_from_slice(scratch.get(..count).unwrap_or_default());
                self.readable = count == scratch.len();
                if let Some(heartbeat) = self.heartbeat() {
                    heartbeat.heard(now);
                }
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Writes what is to be written, as long as the socket takes it, for at most one turn; how it ended, and how many bytes
    /// went out.
    pub(super) fn write(&mut self, window: &mut Window, now: Instant) -> io::Result<(Progress, usize)> {
        let mut written = 0;
        while written < TURN_BYTES {
            self.tell_loss();
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let (count, bytes) = self.gather(window, &mut slices);
            if bytes == 0 {
                return Ok((Progress::CaughtUp, written));
            }
            let slices = slices.get(..count).unwrap_or_default();
            let sent =
                sendmsg(&self.stream, slices, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL);
            match sent {
                Ok(sent) => {
                    self.advance(sent, window, now);
                    written += sent;
                    if sent < bytes {
                        self.blocked = true;
                        return Ok((Progress::Blocked, written));
                    }
                }
                Err(rustix::io::Errno::AGAIN) => {
                    self.blocked = true;
                    return Ok((Progress::Blocked, written));
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok((Progress::More, written))
    }

    /// Before anything later, the peer learns that it missed events.
    fn tell_loss(&mut self) {
        if self.untold == 0 || !self.outbox.is_empty() {
            return;
        }
        let missed = std::mem::take(&mut self.untold);
        let (topic, payload) = if self.subscriptions.name_hello() {
            (HELLO, lost_event(missed))
        } else {
            (SEND_ALL, sync_event())
        };
        put_event(self.outbox.bytes(), topic.as_bytes(), &payload);
    }

    /// What to write next: what is for this connection alone, as soon as no event is half written, else the blocks.
    fn gather<'a>(&'a self, window: &'a Window, slices: &mut [IoSlice<'a>]) -> (usize, usize) {
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

    /// The rest of the event that is half written, and the place behind it.
    fn begun_event<'a>(&self, window: &'a Window) -> Option<(&'a [u8], u32)> {
        let cursor = self.cursor?;
        let spans = self.audience.spans(window, cursor.block);
        let span = spans.iter().find(|span| span.start < cursor.at && cursor.at < span.end)?;
        let bytes = window.get(cursor.block)?.bytes();
        let end = event_ends(bytes, span.start).find(|end| *end >= cursor.at)?;
        let rest = bytes.get(cursor.at as usize..end as usize)?;
        (!rest.is_empty()).then_some((rest, end))
    }

    fn advance(&mut self, sent: usize, window: &mut Window, now: Instant) {
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

    /// Where it stands after so many bytes; `None` if nothing is left for it.
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
    pub(super) fn fall_off(&mut self, window: &mut Window) -> u64 {
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
        self.untold += missed as u64;
        missed as u64
    }

    /// Ends the stream towards the peer, behind all that was written.
    pub(super) fn end(&self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Stands nowhere any more.
    pub(super) fn leave(&mut self, window: &mut Window) {
        if let Some(cursor) = self.cursor.take() {
            window.leave(cursor.block);
        }
    }
}

/// What of the spans lies behind a place, in order.
fn parts(spans: &[Span], at: u32) -> impl Iterator<Item = Span> + '_ {
    let first = spans.partition_point(|span| span.end <= at);
    let behind = spans.get(first..).unwrap_or_default();
    behind.iter().map(move |span| Span { start: span.start.max(at), end: span.end })
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
