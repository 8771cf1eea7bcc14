//! A handshake, whatever the peer sends: it ends as a slow reader of RFC 37 ends it, however that is cut, and keeps and says
//! little.

use drivers_zmtp::protocol::{
    GREETING_BYTES, Handshake, MAX_HANDSHAKE_BYTES, Peer, ProtocolError, SocketType,
};

use crate::cuts::same_however_cut;
use crate::slow_handshake::{self, TYPES};

/// The most that either side ever sends: greeting, READY and ERROR have less than 200 bytes.
const SAID_BYTES: usize = 8 * 1024;

/// What listeners serve: all that one address may, one hop of it, nothing, and what cannot be.
const SERVED: [&[SocketType]; 4] = [
    &[SocketType::Sub, SocketType::Xsub, SocketType::Push, SocketType::Dealer],
    &[SocketType::Push],
    &[],
    &TYPES,
];

#[derive(Debug, Clone, Copy)]
enum Side {
    Connector(SocketType),
    Listener(&'static [SocketType]),
}

/// How many of all bytes were used up, and the peer if it is complete; or what ended the connection.
type Outcome = Result<(usize, Option<Peer>), ProtocolError>;

/// The first byte of `input` decides which side we are, the others come from the peer.
pub(crate) fn check(input: &[u8]) {
    let Some((first, sent)) = input.split_first() else { return };
    let side = side(*first);
    let (outcome, said) = same_however_cut(sent, *first, |ends| take(side, sent, ends));
    assert_eq!(outcome, slow(side, sent), "and what a slow reader finds");
    assert!(said.len() <= SAID_BYTES, "{} bytes are said", said.len());
    if let (Ok((_, Some(peer))), Side::Listener(_)) = (outcome, side) {
        check_answer(peer, &said);
    }
}

fn side(first: u8) -> Side {
    let choice = usize::from(first) % (TYPES.len() + SERVED.len());
    match (TYPES.get(choice), SERVED.get(choice.saturating_sub(TYPES.len()))) {
        (Some(own), _) => Side::Connector(*own),
        (None, served) => Side::Listener(served.copied().unwrap_or_default()),
    }
}

fn take(side: Side, sent: &[u8], ends: &[usize]) -> (Outcome, Vec<u8>) {
    let (mut said, mut used) = (Vec::new(), 0);
    let mut handshake = match side {
        Side::Connector(own) => Handshake::connector(own, &mut said),
        Side::Listener(served) => Handshake::listener(served, &mut said),
    };
    for end in ends {
        let arrived = sent.get(used..*end).unwrap_or_default();
        match handshake.take(arrived, &mut said) {
            Ok((taken, None)) => {
                assert!(taken <= arrived.len(), "{taken} bytes are used of {}", arrived.len());
                used += taken;
            }
            Ok((taken, peer)) => return (Ok((used + taken, peer)), said),
            Err(error) => return (Err(error), said),
        }
        let kept_bytes = if used == 0 { GREETING_BYTES } else { MAX_HANDSHAKE_BYTES - GREETING_BYTES };
        assert!(end - used < kept_bytes, "{} bytes wait", end - used);
    }
    (Ok((used, None)), said)
}

fn slow(side: Side, sent: &[u8]) -> Outcome {
    let sent = slow_handshake::read(sent)?;
    let Some(socket_type) = sent.socket_type else { return Ok((sent.used, None)) };
    let own_type = match (side, socket_type) {
        (Side::Connector(own), its) => own.may_meet(its).then_some(own),
        (Side::Listener(served), its) if !served.contains(&its) => None,
        (Side::Listener(_), SocketType::Sub | SocketType::Xsub) => Some(SocketType::Pub),
        (Side::Listener(_), SocketType::Push) => Some(SocketType::Pull),
        (Side::Listener(_), SocketType::Dealer) => Some(SocketType::Router),
        (Side::Listener(_), _) => None,
    };
    let own_type = own_type.ok_or(ProtocolError::WrongSocketType)?;
    let slow_handshake::Sent { used, minor, alive_every, .. } = sent;
    Ok((used, Some(Peer { socket_type, own_type, minor, alive_every, judges_subscriptions: false })))
}

/// A connector of the peer's type takes what a listener said, and meets it.
fn check_answer(peer: Peer, said: &[u8]) {
    let mut hello = Vec::new();
    let answered = Handshake::connector(peer.socket_type, &mut hello).take(said, &mut hello);
    let we = Peer {
        socket_type: peer.own_type,
        own_type: peer.socket_type,
        minor: 1,
        alive_every: None,
        judges_subscriptions: false,
    };
    assert_eq!(answered, Ok((said.len(), Some(we))));
}
