mod bound;
mod deadlines;
mod inbound;
mod replies;
mod requests;
mod retry_after;
mod revocation;
mod subscribing;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use foldhash::fast::RandomState;
use pubsub_api::{PeerId, SubscriptionSeen, Topic};

use super::acceptor::Newcomer;
use super::block::Block;
use super::close_reason::CloseReason;
use super::connection::{Connection, Phase, Progress};
use super::core::Core;
use super::filters::GroupId;
use super::inbox::Inbox;
use super::window::Window;
use crate::protocol::curve::AuthorizedAgents;
use crate::protocol::{Handshake, SocketType};
use crate::wall_clock::wall_clock;

/// The connections of a shard, and the blocks that they still need.
#[derive(Debug)]
pub(super) struct ShardState {
    core: Arc<Core>,
    connections: HashMap<PeerId, Connection, RandomState>,
    /// The members of each group.
    members: HashMap<GroupId, Vec<PeerId>, RandomState>,
    window: Window,
    /// The subscribers with something to write and a socket that may accept it.
    ready: Vec<PeerId>,
    /// The same for requesters.
    ready_requesters: VecDeque<PeerId>,
    /// The peers with more to read than fitted into their turn.
    talkative: Vec<PeerId>,
    scratch: Vec<u8>,
    /// With CURVE: the agents that may be connected, as of the last look.
    authorized: Option<Arc<AuthorizedAgents>>,
    /// When the key of the first of its connections expires.
    expires: Option<SystemTime>,
}

/// The socket types of subscribers and of requesters.
const SERVED: &[SocketType] = &[SocketType::Sub, SocketType::Xsub, SocketType::Dealer];

const READ_BYTES: usize = 64 * 1024;

impl ShardState {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            connections: HashMap::default(),
            members: HashMap::default(),
            window: Window::default(),
            ready: Vec::new(),
            ready_requesters: VecDeque::new(),
            talkative: Vec::new(),
            scratch: vec![0; READ_BYTES],
            authorized: None,
            expires: None,
        }
    }

    /// Adds a connection, and greets it.
    pub(super) fn take_in(&mut self, peer: PeerId, newcomer: Newcomer, now: Instant) {
        let mut greeting = Vec::new();
        let machine = Handshake::listener(SERVED, &mut greeting);
        let machine = match &self.core.agents {
            Some(agents) => machine.curve_server(&agents.keys(), wall_clock()),
            None => machine,
        };
        let Newcomer { stream, address, place } = newcomer;
        let connection = Connection::new(stream, address, peer, place, (machine, greeting), now);
        self.connections.insert(peer, connection);
        self.ready.push(peer);
    }

    /// The socket of a connection, to be watched.
    pub(super) fn stream(&self, peer: PeerId) -> Option<&std::net::TcpStream> {
        self.connections.get(&peer).map(|connection| &connection.stream)
    }

    /// Adds published blocks, and enforces the bound.
    pub(super) fn take_blocks(&mut self, blocks: Vec<Arc<Block>>) {
        self.put_in_window(blocks);
        self.enforce_bound();
    }

    /// Adds blocks to the window, and marks the connections that they are for.
    fn put_in_window(&mut self, blocks: Vec<Arc<Block>>) {
        for block in blocks {
            let only = block.only_for();
            let interested: Vec<GroupId> =
                block.groups().filter(|group| self.members.contains_key(group)).collect();
            if interested.is_empty() && only.is_none_or(|peer| !self.connections.contains_key(&peer)) {
                continue;
            }
            let number = self.window.push(block);
            let members = interested.iter().filter_map(|group| self.members.get(group)).flatten();
            for peer in members.chain(only.iter()) {
                if let Some(connection) = self.connections.get_mut(peer)
                    && connection.is_wanted_from(number, &mut self.window)
                {
                    self.ready.push(*peer);
                }
            }
        }
    }

    /// Handles a socket that epoll reports as readable or writable.
    pub(super) fn on_ready(
        &mut self,
        peer: PeerId,
        readable: bool,
        writable: bool,
        inbox: &Inbox,
        now: Instant,
    ) {
        let Some(connection) = self.connections.get_mut(&peer) else { return };
        connection.readable |= readable;
        if writable && connection.unblock(now) && connection.can_write() {
            self.make_ready(peer);
        }
        if readable {
            self.listen_to(peer, inbox, now);
        }
    }

    /// Continues to read from the peers that had more than their turn.
    pub(super) fn hear_on(&mut self, inbox: &Inbox, now: Instant) {
        for peer in std::mem::take(&mut self.talkative) {
            self.listen_to(peer, inbox, now);
        }
    }

    /// Whether a peer has more to read.
    pub(super) fn has_talkative(&self) -> bool {
        !self.talkative.is_empty()
    }

    /// Writes to each ready connection in turn, until none is ready.
    pub(super) fn write_out(&mut self, inbox: &Inbox, now: Instant) {
        self.close_revoked(now);
        while !self.ready.is_empty() {
            for peer in std::mem::take(&mut self.ready) {
                self.write_to(peer, inbox, now);
            }
            self.release();
            self.close_revoked(Instant::now());
        }
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Whether a peer is there, has subscribed to a topic, and may receive it.
    pub(super) fn wants(&self, peer: PeerId, topic: &Topic) -> bool {
        self.connections.get(&peer).is_some_and(|connection| {
            connection.subscriptions.cover(topic.as_bytes()) && connection.rights().allows(topic)
        })
    }

    /// Ends all streams towards the peers, with all that was written.
    pub(super) fn end(&mut self) {
        for connection in self.connections.values() {
            connection.end();
        }
    }

    /// Whether all peers have closed their ends, too, or have gone. What they send meanwhile is read: TCP drops unsent bytes if
    /// there are unread ones (RFC 2525, 2.17).
    pub(super) fn has_ended(&mut self, now: Instant) -> bool {
        /// A peer that keeps sending is read for a bounded time.
        const READS: usize = 16;
        let Self { connections, scratch, .. } = self;
        connections.retain(|_, connection| {
            connection.readable = true;
            (0..READS).all(|_| {
                connection.arrived.clear();
                !connection.readable || matches!(connection.read(scratch, now), Ok(true))
            })
        });
        self.connections.is_empty()
    }

    /// The number of connections with a backlog.
    pub(super) fn behind(&self) -> usize {
        self.connections.values().filter(|connection| connection.is_behind()).count()
    }

    pub(super) fn window_bytes(&self) -> u64 {
        self.window.bytes()
    }

    /// Each connection's name and state.
    pub(super) fn peers(&self) -> impl Iterator<Item = (String, &'static str)> {
        self.connections.values().map(|connection| {
            let state = match &connection.phase {
                Phase::Handshake { .. } => "connecting",
                _ if connection.is_behind() => "behind",
                Phase::Subscriber { .. } => "up",
                Phase::Requester { .. } => "requesting",
            };
            (connection.name(), state)
        })
    }

    fn write_to(&mut self, peer: PeerId, inbox: &Inbox, now: Instant) {
        let Some(connection) = self.connections.get_mut(&peer) else { return };
        let mut has_more = false;
        if connection.can_write() {
            match connection.write(&mut self.window, now) {
                Err(error) => return self.close(peer, CloseReason::Gone(error), now),
                Ok((progress, written)) => {
                    let is_requester = connection.is_requester();
                    self.core.counters.wrote(written, is_requester);
                    has_more = progress == Progress::More || (is_requester && connection.take_replies());
                }
            }
        }
        // It may have been waiting for room for its replies.
        let may_read = connection.may_read();
        if has_more {
            self.make_ready(peer);
        }
        if may_read && !self.talkative.contains(&peer) {
            self.listen_to(peer, inbox, now);
        }
    }

    fn leave_members(&mut self, group: GroupId, peer: PeerId) {
        let Some(members) = self.members.get_mut(&group) else { return };
        if let Some(place) = members.iter().position(|other| *other == peer) {
            members.swap_remove(place);
        }
        if members.is_empty() {
            self.members.remove(&group);
        }
    }

    /// Closes a connection; an ERROR for the peer is written if its socket accepts it at once.
    pub(super) fn close(&mut self, peer: PeerId, leaving: CloseReason, now: Instant) {
        let Some(mut connection) = self.connections.remove(&peer) else { return };
        if let Phase::Handshake { .. } = connection.phase {
            self.core.handshake_ends();
        }
        connection.leave(&mut self.window);
        if let CloseReason::Broke(_) = leaving {
            let _ = connection.write(&mut self.window, now);
        }
        if let Some(group) = connection.audience.group {
            self.leave_members(group, peer);
            let mut encoder = self.core.encoder();
            encoder.filters.leave(group);
            encoder.forget_audiences();
        }
        for prefix in connection.subscriptions.prefixes() {
            self.core.seen.put(SubscriptionSeen::Cancelled { peer, prefix: prefix.clone() });
        }
        self.core.requesters.leave(peer);
        self.core.counters.left.add(1);
        leaving.report(&self.core, &connection, now);
    }
}
