mod replies;
mod sealing;
mod writing;

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use pubsub_api::{PeerId, TopicRights};

use super::admission::{KeyPlace, Place};
use super::block::Span;
use super::filters::GroupId;
use super::outbox::Outbox;
use super::subscriptions::Subscriptions;
use super::window::{Cursor, Window};
use crate::protocol::curve::AuthorizedAgent;
use crate::protocol::{EventDecoder, Handshake, Heartbeat, PeerDecoder};

pub(super) use replies::ReplyWriter;
pub(super) use sealing::Sealed;

/// One peer: its socket, how far the handshake is, what it wants, and how far it has got.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) address: SocketAddr,
    /// The name that its host claims.
    pub(super) node: Option<Box<str>>,
    pub(super) phase: Phase,
    /// What came and is not yet decoded.
    pub(super) arrived: Vec<u8>,
    /// The socket may have more to read.
    pub(super) readable: bool,
    pub(super) outbox: Outbox,
    /// With CURVE, once its handshake is complete.
    pub(super) sealed: Option<Box<Sealed>>,
    /// The agent, if it proved its key.
    pub(super) agent: Option<Box<Agent>>,
    pub(super) audience: Audience,
    pub(super) subscriptions: Subscriptions,
    /// Whether it is a subscriber of ours, which obeys a RETRY-AFTER.
    pub(super) obeys_retry_after: bool,
    /// The number of dropped events that was not sent to the peer yet.
    pub(super) unreported: u64,
    /// The next byte of the blocks to write; `None` while the peer has all that it wants.
    cursor: Option<Cursor>,
    /// The socket accepts nothing more for now.
    blocked: bool,
    /// The next write is tried on a socket that was not reported writable.
    probes: bool,
    _place: Place,
}

/// An agent that proved its key, as it was when it did.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) known: AuthorizedAgent,
    /// The number of its subscriptions that were refused on this connection.
    pub(super) refused: usize,
    _place: KeyPlace,
}

impl Agent {
    pub(super) fn new(known: AuthorizedAgent, place: KeyPlace) -> Self {
        Self { known, refused: 0, _place: place }
    }
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
    /// A requester: it sends requests and receives replies.
    Requester {
        heartbeat: Heartbeat,
        decoder: EventDecoder,
        replies: ReplyWriter,
    },
}

/// Which spans of the blocks are for a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Audience {
    pub(super) peer: PeerId,
    /// `None` before the handshake, and for a peer that does not subscribe.
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
    /// The socket accepts no more: epoll reports when it does.
    Blocked,
    /// Its turn is over.
    More,
}

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
            node: None,
            phase: Phase::Handshake { machine, since: now },
            arrived: Vec::new(),
            readable: true,
            outbox,
            sealed: None,
            agent: None,
            audience: Audience { peer, group: None, before: None },
            subscriptions: Subscriptions::default(),
            obeys_retry_after: false,
            unreported: 0,
            cursor: None,
            blocked: false,
            probes: false,
            _place: place,
        }
    }

    /// Its name for people: the address, and the node if that is known.
    pub(super) fn name(&self) -> String {
        match &self.node {
            Some(node) => format!("{} ({node})", self.address),
            None => self.address.to_string(),
        }
    }

    /// The name of its host for people: as [`name`](Self::name), without the port, which differs for each connection.
    pub(super) fn host_name(&self) -> String {
        let ip = self.address.ip().to_canonical();
        self.node.as_ref().map_or_else(|| ip.to_string(), |node| format!("{ip} ({node})"))
    }

    /// The topics that it may receive.
    pub(super) fn rights(&self) -> &TopicRights {
        self.agent.as_ref().map_or(&TopicRights::ALL, |agent| &agent.known.rights)
    }

    /// The number of its key, if it proved one.
    pub(super) fn account(&self) -> Option<u64> {
        self.agent.as_ref().map(|agent| agent.known.key.account())
    }

    /// Whether something is to be written, and the socket is not known to refuse it.
    pub(super) fn can_write(&self) -> bool {
        !self.blocked && self.has_backlog()
    }

    /// Whether something is still to be written.
    pub(super) fn has_backlog(&self) -> bool {
        let has_answers = matches!(&self.phase, Phase::Requester { replies, .. } if !replies.is_empty());
        let is_written = self.sealed.as_ref().is_none_or(|sealed| sealed.is_written());
        self.cursor.is_some() || !self.outbox.is_empty() || self.unreported > 0 || has_answers || !is_written
    }

    /// Whether events are still to be written. Replies to a requester do not count: no publisher waits for them.
    pub(super) fn is_behind(&self) -> bool {
        !self.is_requester() && self.has_backlog()
    }

    pub(super) fn is_requester(&self) -> bool {
        matches!(self.phase, Phase::Requester { .. })
    }

    /// Takes the replies that were put for it; true if it can write them.
    pub(super) fn take_replies(&mut self) -> bool {
        if let Phase::Requester { replies, .. } = &mut self.phase {
            replies.take();
        }
        self.can_write()
    }

    /// Whether its messages may be handled: not while an earlier change of its filters is unfinished, nor while it does not read
    /// our PONGs.
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

    /// The socket accepts bytes again, which only a living peer causes; `true` if it had not.
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

    /// Lets a peer in doubt prove by its socket that it lives: the next write is tried although epoll has not reported room.
    /// epoll does so when a third of the buffer is free (`sk_stream_is_writable`, Linux 6.18, `include/net/sock.h`), which
    /// takes a slow reader longer than `dead_after`; a write goes as soon as anything is. `false` if there is no need.
    pub(super) fn probe(&mut self) -> bool {
        let in_doubt = self.heartbeat().is_some_and(|heartbeat| heartbeat.is_in_doubt());
        if !self.blocked || !in_doubt || !self.has_backlog() {
            return false;
        }
        (self.blocked, self.probes) = (false, true);
        true
    }

    pub(super) fn heartbeat(&mut self) -> Option<&mut Heartbeat> {
        match &mut self.phase {
            Phase::Handshake { .. } => None,
            Phase::Subscriber { heartbeat, .. } | Phase::Requester { heartbeat, .. } => Some(heartbeat),
        }
    }

    /// Reads once; `false` at the end of the stream. Sets `readable` to whether there may be more.
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

    /// Ends the stream towards the peer, after everything that was written.
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
