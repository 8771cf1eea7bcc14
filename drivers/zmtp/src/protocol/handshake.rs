mod peer;
mod side;

use std::time::Duration;

use super::greeting::UP_TO_MAJOR_BYTES;
use super::ready::{Ready, Statement, put_ready, read_ready};
use super::{Command, FrameHead, GREETING_BYTES, Greeting, Mechanism, ProtocolError, SocketType};
use side::{ReadyOrder, Side};

pub use peer::Peer;

/// How much of a peer is kept until its handshake is complete, in bytes: its greeting and a READY of 4 KiB
/// (docs/guarantees.md#f53).
pub const MAX_HANDSHAKE_BYTES: usize = GREETING_BYTES + MAX_READY_BYTES;

const MAX_READY_BYTES: usize = 4096;

/// The NULL handshake of one connection, either side.
///
/// Both sides greet in stages, as libzmq does. Each sends its signature and major version first. A connector sends the rest,
/// and its READY, after the peer's major version; a listener sends the rest after the peer's mechanism, and its READY after
/// the peer's, since only then it knows as what to meet it; so one address serves SUB, PUSH and DEALER.
///
/// A libzmq peer (4.3.5) that reads our whole greeting before it has sent its own, and finds another mechanism or version
/// than it wants, closes silently and never connects again. In stages it sends its own first, so that the refusal
/// can name it, and a connection that ends before our mechanism came is one that libzmq tries again.
#[derive(Debug)]
pub struct Handshake {
    side: Side,
    /// Ours was sent whole.
    has_greeted: bool,
    /// The peer's, once it is complete.
    greeting: Option<Greeting>,
    /// What the peer is to know of this end.
    statement: Statement,
    /// The name that the peer's host claims.
    peer_node: Option<Box<str>>,
}

impl Handshake {
    /// The side that accepted, and serves peers of these types; appends what is to be sent first.
    pub fn listener(serves: &'static [SocketType], out: &mut Vec<u8>) -> Self {
        Self::begin(Side::Listener(serves), out)
    }

    /// The side that connected, as a socket of type `own`; appends what is to be sent first.
    pub fn connector(own: SocketType, out: &mut Vec<u8>) -> Self {
        Self::begin(Side::Connector(own, ReadyOrder::WithGreeting), out)
    }

    /// As [`connector`](Self::connector), but sends its READY only after the peer's, to one that it may meet.
    pub fn reticent_connector(own: SocketType, out: &mut Vec<u8>) -> Self {
        Self::begin(Side::Connector(own, ReadyOrder::AfterThePeers), out)
    }

    fn begin(side: Side, out: &mut Vec<u8>) -> Self {
        out.extend(Greeting::encode(Mechanism::Null).iter().take(UP_TO_MAJOR_BYTES));
        Self { side, has_greeted: false, greeting: None, statement: Statement::default(), peer_node: None }
    }

    /// Names this host to the peer.
    #[must_use]
    pub fn named(self, node: Option<&'static str>) -> Self {
        Self { statement: Statement { node, ..self.statement }, ..self }
    }

    /// States that this end sends something at least this often while it receives, without being pinged.
    #[must_use]
    pub fn alive_every(self, time: Option<Duration>) -> Self {
        Self { statement: Statement { alive_every: time, ..self.statement }, ..self }
    }

    /// The name that the peer's host claims, once the handshake is complete: at most 64 letters, digits, `.`, `-` and `_`.
    pub fn take_peer_node(&mut self) -> Option<Box<str>> {
        self.peer_node.take()
    }

    /// Whether the peer's greeting is complete.
    #[must_use]
    pub fn is_greeted(&self) -> bool {
        self.greeting.is_some()
    }

    /// Takes what has arrived and was not yet taken: how many bytes were used up, and the peer when it is complete. What is
    /// to be sent, if anything, is appended to `out`, also with an error.
    ///
    /// # Errors
    /// Any [`ProtocolError`] of a handshake: send `out`, and close.
    pub fn take(
        &mut self,
        arrived: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(usize, Option<Peer>), ProtocolError> {
        let mut used = 0;
        let greeting = match self.greeting {
            Some(greeting) => greeting,
            None => {
                self.greet(arrived, out);
                let Some(greeting) = Greeting::read(arrived, Mechanism::Null)? else { return Ok((0, None)) };
                used = GREETING_BYTES;
                *self.greeting.insert(greeting)
            }
        };
        let rest = arrived.get(used..).unwrap_or_default();
        let Some(ready) = self.take_ready(rest, out)? else { return Ok((used, None)) };
        let (taken, socket_type, alive_every) = ready;
        let own_type = self.meet(socket_type, out)?;
        Ok((used + taken, Some(Peer { socket_type, own_type, minor: greeting.minor, alive_every })))
    }

    /// Sends the rest of our greeting, if the peer's is far enough.
    fn greet(&mut self, arrived: &[u8], out: &mut Vec<u8>) {
        let Some(enough) = arrived.get(..self.side.greets_after()) else { return };
        if self.has_greeted || Greeting::read(enough, Mechanism::Null).is_err() {
            return;
        }
        self.has_greeted = true;
        out.extend(Greeting::encode(Mechanism::Null).iter().skip(UP_TO_MAJOR_BYTES));
        if let Side::Connector(own, ReadyOrder::WithGreeting) = self.side {
            put_ready(out, own, self.statement);
        }
    }

    fn take_ready(
        &mut self,
        arrived: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<(usize, SocketType, Option<Duration>)>, ProtocolError> {
        let Some(head) = FrameHead::read(arrived)? else { return Ok(None) };
        if !head.command {
            return Err(ProtocolError::NotReady);
        }
        let end = usize::try_from(head.body).unwrap_or(usize::MAX).saturating_add(head.head);
        if end > MAX_READY_BYTES {
            return Err(ProtocolError::FrameTooLong);
        }
        let Some(body) = arrived.get(head.head..end) else { return Ok(None) };
        match Command::read(body)? {
            Command::Ready(data) => {
                let ready = read_ready(data).inspect_err(|_| self.refuse(out))?;
                let Ready { socket_type, node, alive_every } = ready;
                self.peer_node = node.map(Box::from);
                Ok(Some((end, socket_type, alive_every)))
            }
            Command::Error(_) => Err(ProtocolError::RefusedByPeer),
            _ => Err(ProtocolError::NotReady),
        }
    }

    /// Sends the READY that waited for the peer's type, and returns the type of this end.
    fn meet(&self, peer: SocketType, out: &mut Vec<u8>) -> Result<SocketType, ProtocolError> {
        let Some(own) = self.side.own_type(peer) else {
            self.refuse(out);
            return Err(ProtocolError::WrongSocketType);
        };
        if self.side.answers_ready() {
            put_ready(out, own, self.statement);
        }
        Ok(own)
    }

    /// A listener reports it before it closes (RFC 37: "SHOULD handle errors by returning an ERROR command").
    fn refuse(&self, out: &mut Vec<u8>) {
        if let Side::Listener(_) = self.side {
            Command::Error(b"Invalid socket type").put(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Handshake, Peer, Statement, put_ready};
    use crate::protocol::{Command, Greeting, Mechanism, MechanismName, ProtocolError, SocketType};

    const SERVED: &[SocketType] = &[SocketType::Sub, SocketType::Xsub, SocketType::Push, SocketType::Dealer];

    const ALIVE_EVERY: Duration = Duration::from_millis(1500);

    /// Both sides, byte by byte, until neither has anything to send.
    fn meet(own: SocketType) -> (Option<Peer>, Option<Peer>) {
        let (mut to_listener, mut to_connector) = (Vec::new(), Vec::new());
        let mut connector = Handshake::connector(own, &mut to_listener).alive_every(Some(ALIVE_EVERY));
        let mut listener = Handshake::listener(SERVED, &mut to_connector);
        let (mut at_listener, mut at_connector) = (None, None);
        let (mut kept_at_listener, mut kept_at_connector) = (Vec::new(), Vec::new());
        while !to_listener.is_empty() || !to_connector.is_empty() {
            let sent = std::mem::take(&mut to_listener);
            at_listener =
                at_listener.or(trickle(&mut listener, &sent, &mut kept_at_listener, &mut to_connector));
            let sent = std::mem::take(&mut to_connector);
            at_connector =
                at_connector.or(trickle(&mut connector, &sent, &mut kept_at_connector, &mut to_listener));
        }
        (at_listener, at_connector)
    }

    fn trickle(side: &mut Handshake, sent: &[u8], kept: &mut Vec<u8>, out: &mut Vec<u8>) -> Option<Peer> {
        for byte in sent {
            kept.push(*byte);
            let (used, peer) = side.take(kept, out).unwrap();
            kept.drain(..used);
            if peer.is_some() {
                return peer;
            }
        }
        None
    }

    #[test]
    fn a_peer_that_wants_another_mechanism_is_named_before_it_sees_ours() {
        let curve = Greeting::encode(Mechanism::Curve);
        let wanted = MechanismName::new(b"CURVE");
        let mut out = Vec::new();
        let mut listener = Handshake::listener(SERVED, &mut out);
        assert_eq!(out, curve[..11], "as any peer of ZMTP 3 begins");
        out.clear();
        for length in 0..=12 + 5 {
            assert_eq!(listener.take(&curve[..length], &mut out), Ok((0, None)));
        }
        assert_eq!(listener.take(&curve, &mut out), Err(ProtocolError::WrongMechanism { wanted }));
        assert!(out.is_empty(), "it would not connect again: {out:?}");
    }

    #[test]
    fn a_peer_of_zmtp_2_is_named_by_its_revision() {
        let mut old = Greeting::encode(Mechanism::Null);
        old[10] = 1;
        for mut side in [
            Handshake::listener(SERVED, &mut Vec::new()),
            Handshake::connector(SocketType::Sub, &mut Vec::new()),
        ] {
            let mut out = Vec::new();
            assert_eq!(side.take(&old[..10], &mut out), Ok((0, None)));
            assert_eq!(side.take(&old[..11], &mut out), Err(ProtocolError::OldVersion { revision: 1 }));
            assert!(out.is_empty());
        }
    }

    #[test]
    fn a_reticent_connector_sends_its_ready_after_that_of_a_peer_that_it_may_meet() {
        let greeting = Greeting::encode(Mechanism::Null);
        for (peer, says_ready) in [(SocketType::Pull, true), (SocketType::Pub, false)] {
            let mut out = Vec::new();
            let mut side = Handshake::reticent_connector(SocketType::Push, &mut out);
            assert_eq!(side.take(&greeting, &mut out), Ok((64, None)));
            assert_eq!(out, greeting);
            let mut ready = Vec::new();
            put_ready(&mut ready, peer, Statement::default());
            let _ = side.take(&ready, &mut out);
            assert_eq!(out.len() > greeting.len(), says_ready);
        }
    }

    #[test]
    fn a_listener_meets_each_connector_as_its_counterpart() {
        for (connector, listener) in [
            (SocketType::Sub, SocketType::Pub),
            (SocketType::Xsub, SocketType::Pub),
            (SocketType::Push, SocketType::Pull),
            (SocketType::Dealer, SocketType::Router),
        ] {
            let peer = |socket_type, own_type, alive_every| {
                Some(Peer { socket_type, own_type, minor: 1, alive_every })
            };
            let of_connector = peer(connector, listener, Some(ALIVE_EVERY));
            assert_eq!(meet(connector), (of_connector, peer(listener, connector, None)));
        }
    }

    #[test]
    fn a_listener_sends_error_to_a_peer_of_another_kind() {
        let mut hello = Greeting::encode(Mechanism::Null).to_vec();
        put_ready(&mut hello, SocketType::Pub, Statement::default());
        let mut answer = Vec::new();
        let mut listener = Handshake::listener(SERVED, &mut answer);
        assert_eq!(listener.take(&hello, &mut answer), Err(ProtocolError::WrongSocketType));
        assert_eq!(Command::read(&answer[64 + 2..]), Ok(Command::Error(b"\x13Invalid socket type")));
    }

    #[test]
    fn what_is_no_ready_is_refused_before_its_body_arrives() {
        let cases: [(&[u8], ProtocolError); 5] = [
            (b"\x00\x05event", ProtocolError::NotReady),
            (b"\x04\x05\x04PING", ProtocolError::BadCommand),
            (b"\x04\x07\x04PING\0\0", ProtocolError::NotReady),
            (b"\x06\x00\x00\x01\x00\x00\x00\x00\x00", ProtocolError::FrameTooLong),
            (b"\x04\x08\x05ERROR\x01x", ProtocolError::RefusedByPeer),
        ];
        for (bytes, wanted) in cases {
            let mut side = Handshake::connector(SocketType::Sub, &mut Vec::new());
            let mut arrived = Greeting::encode(Mechanism::Null).to_vec();
            arrived.extend_from_slice(bytes);
            assert_eq!(side.take(&arrived, &mut Vec::new()), Err(wanted));
        }
    }
}
