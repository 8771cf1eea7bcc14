use super::ready::{put_ready, read_ready};
use super::{Command, FrameHead, GREETING_BYTES, Greeting, Mechanism, ProtocolError, SocketType};

/// How much of a peer is kept until its handshake is complete, in bytes: its greeting and a READY of 4 KiB (reliability.md
/// X01).
pub const MAX_HANDSHAKE_BYTES: usize = GREETING_BYTES + MAX_READY_BYTES;

const MAX_READY_BYTES: usize = 4096;

/// Who the peer is, once the handshake is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// What the peer is.
    pub socket_type: SocketType,
    /// What we are to it.
    pub own_type: SocketType,
    /// The minor version of its ZMTP 3.
    pub minor: u8,
}

impl Peer {
    /// Whether it knows PING and the commands SUBSCRIBE and CANCEL (RFC 37; RFC 23 has neither).
    #[must_use]
    pub fn speaks_3_1(&self) -> bool {
        self.minor >= 1
    }
}

/// The NULL handshake of one connection, either side.
///
/// A connector sends greeting and READY at once. A listener sends its greeting at once and its READY after the peer's,
/// since only then it knows as what to meet it; so one address serves SUB, PUSH and DEALER.
#[derive(Debug)]
pub struct Handshake {
    side: Side,
    greeting: Option<Greeting>,
}

#[derive(Debug)]
enum Side {
    Connector(SocketType),
    /// With the types of peer that it serves.
    Listener(&'static [SocketType]),
}

impl Handshake {
    /// The side that accepted, and serves peers of these types; appends what is to be sent first.
    pub fn listener(serves: &'static [SocketType], out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(&Greeting::encode(Mechanism::Null));
        Self { side: Side::Listener(serves), greeting: None }
    }

    /// The side that connected, as a socket of type `own`; appends what is to be sent first.
    pub fn connector(own: SocketType, out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(&Greeting::encode(Mechanism::Null));
        put_ready(out, own);
        Self { side: Side::Connector(own), greeting: None }
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
            None => match Greeting::read(arrived, Mechanism::Null)? {
                None => return Ok((0, None)),
                Some(greeting) => {
                    used = GREETING_BYTES;
                    *self.greeting.insert(greeting)
                }
            },
        };
        let rest = arrived.get(used..).unwrap_or_default();
        let Some((taken, socket_type)) = self.take_ready(rest, out)? else { return Ok((used, None)) };
        let own_type = self.meet(socket_type, out)?;
        Ok((used + taken, Some(Peer { socket_type, own_type, minor: greeting.minor })))
    }

    fn take_ready(
        &self,
        arrived: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<(usize, SocketType)>, ProtocolError> {
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
                let read = read_ready(data).inspect_err(|_| self.refuse(out));
                Ok(Some((end, read?)))
            }
            Command::Error(_) => Err(ProtocolError::RefusedByPeer),
            _ => Err(ProtocolError::NotReady),
        }
    }

    /// As what the peer is met; a listener's READY goes out.
    fn meet(&self, peer: SocketType, out: &mut Vec<u8>) -> Result<SocketType, ProtocolError> {
        let met = match self.side {
            Side::Connector(own) => own.may_meet(peer).then_some(own),
            Side::Listener(serves) => {
                let own = if serves.contains(&peer) { peer.counterpart() } else { None };
                own.inspect(|own| put_ready(out, *own))
            }
        };
        met.ok_or_else(|| {
            self.refuse(out);
            ProtocolError::WrongSocketType
        })
    }

    /// A listener says so before it closes (RFC 37: "SHOULD handle errors by returning an ERROR command").
    fn refuse(&self, out: &mut Vec<u8>) {
        if let Side::Listener(_) = self.side {
            Command::Error(b"Invalid socket type").put(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Handshake, Peer};
    use crate::protocol::{Command, ProtocolError, SocketType};

    const SERVED: &[SocketType] = &[SocketType::Sub, SocketType::Xsub, SocketType::Push, SocketType::Dealer];

    /// Both sides, byte by byte, until neither has anything to say.
    fn meet(own: SocketType) -> (Option<Peer>, Option<Peer>) {
        let (mut to_listener, mut to_connector) = (Vec::new(), Vec::new());
        let mut connector = Handshake::connector(own, &mut to_listener);
        let mut listener = Handshake::listener(SERVED, &mut to_connector);
        let at_listener = trickle(&mut listener, &to_listener, &mut to_connector).unwrap();
        let at_connector = trickle(&mut connector, &to_connector, &mut Vec::new()).unwrap();
        (at_listener, at_connector)
    }

    fn trickle(side: &mut Handshake, bytes: &[u8], out: &mut Vec<u8>) -> Result<Option<Peer>, ProtocolError> {
        let mut from = 0;
        for to in 0..=bytes.len() {
            let (used, peer) = side.take(&bytes[from..to], out)?;
            from += used;
            if peer.is_some() {
                return Ok(peer);
            }
        }
        Ok(None)
    }

    #[test]
    fn a_listener_meets_each_connector_as_its_counterpart() {
        for (connector, listener) in [
            (SocketType::Sub, SocketType::Pub),
            (SocketType::Xsub, SocketType::Pub),
            (SocketType::Push, SocketType::Pull),
            (SocketType::Dealer, SocketType::Router),
        ] {
            let peer = |socket_type, own_type| Some(Peer { socket_type, own_type, minor: 1 });
            assert_eq!(meet(connector), (peer(connector, listener), peer(listener, connector)));
        }
    }

    #[test]
    fn a_listener_says_error_to_who_has_no_business_here() {
        let (mut hello, mut answer) = (Vec::new(), Vec::new());
        let _ = Handshake::connector(SocketType::Pub, &mut hello);
        let mut listener = Handshake::listener(SERVED, &mut answer);
        answer.clear();
        assert_eq!(listener.take(&hello, &mut answer), Err(ProtocolError::WrongSocketType));
        assert_eq!(Command::read(&answer[2..]), Ok(Command::Error(b"\x13Invalid socket type")));
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
            let mut out = Vec::new();
            let mut side = Handshake::connector(SocketType::Sub, &mut out);
            let mut arrived = out[..64].to_vec();
            arrived.extend_from_slice(bytes);
            assert_eq!(side.take(&arrived, &mut Vec::new()), Err(wanted));
        }
    }
}
