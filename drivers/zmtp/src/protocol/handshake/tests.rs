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
        at_listener = at_listener.or(trickle(&mut listener, &sent, &mut kept_at_listener, &mut to_connector));
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
    for mut side in
        [Handshake::listener(SERVED, &mut Vec::new()), Handshake::connector(SocketType::Sub, &mut Vec::new())]
    {
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
            Some(Peer { socket_type, own_type, minor: 1, alive_every, judges_subscriptions: false })
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
