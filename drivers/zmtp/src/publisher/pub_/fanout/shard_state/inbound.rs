//! The messages of peers: handshakes, subscriptions and heartbeats.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use pubsub_api::PeerId;
use rustix::net::sockopt::set_socket_send_buffer_size;

use super::ShardState;
use super::requests::{MAX_REQUEST_BYTES, decode_requests};
use super::subscribing::{Said, cancel, subscribe};
use crate::protocol::{Command, EventDecoder, Heartbeat, Peer, PeerDecoder, PeerMessage, SocketType};
use crate::publisher::pub_::fanout::close_reason::CloseReason;
use crate::publisher::pub_::fanout::connection::{Agent, Connection, Phase, ReplyWriter};
use crate::publisher::pub_::fanout::core::Core;
use crate::publisher::pub_::fanout::filters::Change;
use crate::publisher::pub_::fanout::inbox::Inbox;

/// The send buffer of a connection for requests, which the kernel doubles. The caller that replies learns that a requester reads when a
/// third is free: of a requester that reads 3 KB/s, within half a minute. It carries 128 KiB in each round trip.
const ANSWER_BUFFER_BYTES: usize = 128 * 1024;

impl ShardState {
    /// Reads and handles the messages of a peer for one turn. epoll is edge-triggered, so a peer with more to read is noted.
    pub(super) fn listen_to(&mut self, peer: PeerId, inbox: &Inbox, now: Instant) {
        /// The number of reads in one turn.
        const READS: usize = 4;
        for _ in 0..READS {
            let Some(connection) = self.connections.get_mut(&peer) else { return };
            if !connection.may_read() {
                return;
            }
            let heard = match connection.read(&mut self.scratch, now) {
                Ok(true) => self.act_on_arrived(peer, inbox, now),
                Ok(false) => Err(CloseReason::Gone(io::ErrorKind::UnexpectedEof.into())),
                Err(error) => Err(CloseReason::Gone(error)),
            };
            if let Err(leaving) = heard {
                return self.close(peer, leaving, now);
            }
        }
        self.talkative.push(peer);
    }

    fn act_on_arrived(&mut self, peer: PeerId, inbox: &Inbox, now: Instant) -> Result<(), CloseReason> {
        let Some(connection) = self.connections.get_mut(&peer) else { return Ok(()) };
        let had_nothing_to_write = !connection.can_write();
        let arrived = std::mem::take(&mut connection.arrived);
        let (mut used, met) = match &mut connection.phase {
            Phase::Handshake { machine, .. } => {
                let taken = machine.take(&arrived, connection.outbox.bytes());
                connection.node = machine.take_peer_node();
                let (agent, session) = (machine.take_agent(), machine.take_session());
                if let Some(session) = session {
                    connection.begin_session(session);
                }
                let taken = taken.map_err(CloseReason::Broke)?;
                if let Some(agent) = agent {
                    let place = self.core.admission.admit_key(agent.key).map_err(CloseReason::Refused)?;
                    connection.agent = Some(Box::new(Agent::new(agent, place)));
                }
                taken
            }
            Phase::Subscriber { .. } | Phase::Requester { .. } => (0, None),
        };
        if let Some(met) = met {
            self.welcome(peer, met, now);
        }
        let Some(connection) = self.connections.get_mut(&peer) else { return Ok(()) };
        let (mut said, rest) = (Said::default(), arrived.get(used..).unwrap_or_default());
        used += match connection.sealed.as_deref_mut() {
            None => handle(connection, rest, &mut said, &self.core, now)?,
            Some(sealed) => {
                let opened = sealed.open(rest).map_err(CloseReason::Broke)?;
                let frames = std::mem::take(&mut sealed.opened);
                let handled = handle(connection, &frames, &mut said, &self.core, now)?;
                if let Some(sealed) = &mut connection.sealed {
                    // Of its exact size, as that of `arrived`.
                    sealed.opened = frames.get(handled..).unwrap_or_default().to_vec();
                }
                opened
            }
        };
        connection.arrived = arrived.get(used..).unwrap_or_default().to_vec();
        if had_nothing_to_write && connection.can_write() {
            self.make_ready(peer);
        }
        if !said.change.is_empty() {
            self.change_filters(peer, &said.change, inbox);
        }
        for seen in said.seen {
            self.core.seen.put(seen);
        }
        Ok(())
    }

    /// The handshake is complete.
    fn welcome(&mut self, peer: PeerId, met: Peer, now: Instant) {
        let Some(connection) = self.connections.get_mut(&peer) else { return };
        let expires = connection.agent.as_ref().and_then(|agent| agent.known.expires);
        let settings = &self.core.settings;
        let (interval, dead_after) = (settings.heartbeat_interval, settings.dead_after);
        let mut heartbeat = Heartbeat::new(interval, dead_after, met.speaks_3_1(), now);
        if let Some(every) = met.alive_every {
            heartbeat.expect_every(every);
        }
        self.core.handshake_ends();
        self.expires = [self.expires, expires].into_iter().flatten().min();
        if met.own_type != SocketType::Pub {
            let decoder = EventDecoder::with_payloads_up_to(MAX_REQUEST_BYTES).accepting_delimiters();
            let replies = ReplyWriter::new(self.core.requesters.join(peer));
            // If it cannot be set, a requester that reads slowly is seen to progress in larger steps.
            let _ = set_socket_send_buffer_size(&connection.stream, ANSWER_BUFFER_BYTES);
            connection.phase = Phase::Requester { heartbeat, decoder, replies };
            return;
        }
        connection.phase = Phase::Subscriber { heartbeat, decoder: PeerDecoder::default() };
        // Only ours state this; those of a version before RETRY-AFTER skip it.
        connection.obeys_retry_after = met.alive_every.is_some();
        let group = self.core.encoder().filters.join(connection.rights());
        connection.audience.group = Some(group);
        self.members.entry(group).or_default().push(peer);
    }

    /// From now on the peer is in another group. What was encoded before still finds it in its old one.
    fn change_filters(&mut self, peer: PeerId, change: &Change, inbox: &Inbox) {
        let core = Arc::clone(&self.core);
        let mut encoder = core.encoder();
        // While nobody encodes: all that was encoded for the old group is in the window after this.
        self.put_in_window(inbox.take_blocks());
        let Some(connection) = self.connections.get_mut(&peer) else { return };
        let Some(old) = connection.audience.group else { return };
        let new = encoder.filters.change(old, change);
        encoder.forget_audiences();
        drop(encoder);
        if new == old {
            return;
        }
        connection.audience.group = Some(new);
        if connection.stands_in().is_some() {
            connection.audience.before = Some((old, self.window.end()));
        }
        self.leave_members(old, peer);
        self.members.entry(new).or_default().push(peer);
    }
}

/// Handles the messages of a peer. Returns the number of bytes that are used up.
fn handle(
    connection: &mut Connection,
    arrived: &[u8],
    noted: &mut Said,
    core: &Core,
    now: Instant,
) -> Result<usize, CloseReason> {
    match connection.is_requester() {
        true => decode_requests(connection, arrived, core, now),
        false => decode(connection, arrived, noted, core),
    }
}

/// Handles the messages of a subscriber. Returns the number of bytes that are used up.
fn decode(
    connection: &mut Connection,
    arrived: &[u8],
    noted: &mut Said,
    core: &Core,
) -> Result<usize, CloseReason> {
    let mut used = 0;
    loop {
        let Phase::Subscriber { heartbeat, decoder } = &mut connection.phase else { return Ok(used) };
        let rest = arrived.get(used..).unwrap_or_default();
        let (count, said) = decoder.next(rest).map_err(CloseReason::Broke)?;
        used += count;
        match said {
            PeerMessage::Incomplete => return Ok(used),
            PeerMessage::Ping { ttl, context } => {
                heartbeat.pinged(ttl);
                // A peer that floods us with PINGs and does not read gets no PONG.
                if !connection.outbox.is_full() {
                    Command::put_pong(connection.outbox.bytes(), context);
                }
            }
            PeerMessage::Subscribe(body) => subscribe(connection, body, noted, core)?,
            PeerMessage::Cancel(body) => cancel(connection, body, noted),
            PeerMessage::Pong => {}
            PeerMessage::Other => core.counters.stepped_over.add(1),
        }
    }
}
