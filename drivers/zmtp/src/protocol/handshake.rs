mod exchange;
mod peer;
mod side;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::curve::{AuthorizedAgent, ClientKeys, ServerKeys, Session};
use super::greeting::UP_TO_MAJOR_BYTES;
use super::ready::{Statement, properties, put_ready, read_ready};
use super::{Command, FrameHead, GREETING_BYTES, Greeting, ProtocolError, SocketType};
use exchange::{Exchange, Proved};
use side::{ReadyOrder, Side};

pub use exchange::CurveStage;
pub use peer::Peer;

/// How much of a peer is kept until its handshake is complete, in bytes: its greeting and a READY of 4 KiB
/// (docs/guarantees.md#f53).
pub const MAX_HANDSHAKE_BYTES: usize = GREETING_BYTES + MAX_READY_BYTES;

const MAX_READY_BYTES: usize = 4096;

/// The handshake of one connection, either side: NULL, or CURVE if it is given keys.
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
    /// The name that the peer's host claims, or that its key has.
    peer_node: Option<Box<str>>,
    exchange: Exchange,
    /// Of CURVE, once the handshake is complete.
    session: Option<Box<Session>>,
    /// The client of CURVE that proved its key.
    agent: Option<AuthorizedAgent>,
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
        let exchange = Exchange::Null;
        out.extend(exchange.greeting().iter().take(UP_TO_MAJOR_BYTES));
        Self {
            side,
            has_greeted: false,
            greeting: None,
            statement: Statement::default(),
            peer_node: None,
            exchange,
            session: None,
            agent: None,
        }
    }

    /// Accepts clients of CURVE only, whose keys have not expired `now`.
    #[must_use]
    pub fn curve_server(self, keys: &Arc<ServerKeys>, now: SystemTime) -> Self {
        Self { exchange: Exchange::server(keys, now), ..self }
    }

    /// Connects as a client of CURVE only.
    ///
    /// # Errors
    /// [`ProtocolError::NoRandomness`].
    pub fn curve_client(self, keys: &ClientKeys) -> Result<Self, ProtocolError> {
        Ok(Self { exchange: Exchange::client(keys)?, ..self })
    }

    /// The session of CURVE, once the handshake is complete: whatever is sent is to be sealed, and all that came after the
    /// handshake to be opened.
    pub fn take_session(&mut self) -> Option<Box<Session>> {
        self.session.take()
    }

    /// The client of CURVE that proved its key, once the handshake is complete.
    pub fn take_agent(&mut self) -> Option<AuthorizedAgent> {
        self.agent.take()
    }

    /// How far a client of CURVE is.
    #[must_use]
    pub fn curve_stage(&self) -> Option<CurveStage> {
        self.exchange.stage()
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

    /// The name that the peer's host claims, or that its key has, once the handshake is complete: at most 64 letters, digits,
    /// `.`, `-` and `_`.
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
                let Some(greeting) = Greeting::read(arrived, self.exchange.mechanism())? else {
                    return Ok((0, None));
                };
                used = GREETING_BYTES;
                self.exchange.begin(out)?;
                *self.greeting.insert(greeting)
            }
        };
        loop {
            let Some((end, body)) = command(arrived.get(used..).unwrap_or_default())? else {
                return Ok((used, None));
            };
            used += end;
            let met = match self.exchange {
                Exchange::Null => Some(self.take_ready(body, out)?),
                _ => self.take_curve(body, out)?,
            };
            if let Some(met) = met {
                return Ok((used, Some(Peer { minor: greeting.minor, ..met })));
            }
        }
    }

    /// Sends the rest of our greeting, if the peer's is far enough.
    fn greet(&mut self, arrived: &[u8], out: &mut Vec<u8>) {
        let Some(enough) = arrived.get(..self.side.greets_after()) else { return };
        if self.has_greeted || Greeting::read(enough, self.exchange.mechanism()).is_err() {
            return;
        }
        self.has_greeted = true;
        out.extend(self.exchange.greeting().iter().skip(UP_TO_MAJOR_BYTES));
        if let (Side::Connector(own, ReadyOrder::WithGreeting), Exchange::Null) = (&self.side, &self.exchange)
        {
            put_ready(out, *own, self.statement);
        }
    }

    fn take_ready(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<Peer, ProtocolError> {
        match Command::read(body)? {
            Command::Ready(data) => {
                let ready = read_ready(data).inspect_err(|_| self.refuse(out))?;
                self.peer_node = ready.node.map(Box::from);
                Ok(ready.met_as(self.meet(ready.socket_type, out)?))
            }
            Command::Error(_) => Err(ProtocolError::RefusedByPeer),
            _ => Err(ProtocolError::NotReady),
        }
    }

    /// A command of CURVE; the peer when it has proved its key.
    fn take_curve(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<Option<Peer>, ProtocolError> {
        let metadata = match self.side {
            Side::Connector(own, _) => properties(own, self.statement),
            Side::Listener(_) => Vec::new(),
        };
        let Some(proved) = self.exchange.take(body, &metadata, out)? else { return Ok(None) };
        let ready = read_ready(proved.metadata()).inspect_err(|_| self.refuse(out))?;
        let Some(own) = self.side.own_type(ready.socket_type) else {
            self.refuse(out);
            return Err(ProtocolError::WrongSocketType);
        };
        let met = ready.met_as(own);
        self.peer_node = proved.agent().map(|agent| &*agent.name).or(ready.node).map(Box::from);
        self.agent = proved.agent().cloned();
        let judges = self.agent.as_ref().is_some_and(|agent| !agent.rights.is_all());
        let statement = Statement { judges_subscriptions: judges, ..self.statement };
        self.session = Some(Box::new(match proved {
            Proved::Server { session, .. } => session,
            Proved::Client(client) => client.ready(&properties(own, statement), out),
        }));
        Ok(Some(met))
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

/// The first command: where its frame ends, and its body, once it is all there.
fn command(arrived: &[u8]) -> Result<Option<(usize, &[u8])>, ProtocolError> {
    let Some(head) = FrameHead::read(arrived)? else { return Ok(None) };
    if !head.command {
        return Err(ProtocolError::NotReady);
    }
    let end = usize::try_from(head.body).unwrap_or(usize::MAX).saturating_add(head.head);
    if end > MAX_READY_BYTES {
        return Err(ProtocolError::FrameTooLong);
    }
    Ok(arrived.get(head.head..end).map(|body| (end, body)))
}

#[cfg(test)]
mod tests;
