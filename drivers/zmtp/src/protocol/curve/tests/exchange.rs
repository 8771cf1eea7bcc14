//! Handshakes of both sides, whole and spoiled.

use std::sync::Arc;
use std::time::SystemTime;

use crate::protocol::curve::{AuthorizedAgents, ClientKeys, PublicKey, SecretKey, ServerKeys, Session};
use crate::protocol::{
    Command, CurveStage, FrameHead, GREETING_BYTES, Greeting, Handshake, Mechanism, Peer, ProtocolError,
    SocketType,
};

const SERVED: &[SocketType] = &[SocketType::Sub, SocketType::Dealer];

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn key() -> SecretKey {
    SecretKey::generate().unwrap()
}

/// The keys of a server that accepts one client, and that of the client.
pub(super) fn keys() -> (Arc<ServerKeys>, ClientKeys) {
    let (server, client) = (key(), key());
    let agents = AuthorizedAgents::parse(&format!("node-1 {}", client.public())).unwrap();
    let client = ClientKeys::new(Arc::new(client), server.public());
    (Arc::new(ServerKeys::new(server, agents)), client)
}

/// One side: what arrived and was not taken, what it sends, and how it ended.
struct Side {
    machine: Handshake,
    arrived: Vec<u8>,
    out: Vec<u8>,
    met: Option<Peer>,
}

impl Side {
    fn client(keys: &ClientKeys, named: bool) -> Self {
        let mut out = Vec::new();
        let machine = Handshake::connector(SocketType::Sub, &mut out).curve_client(keys).unwrap();
        let machine = machine.named(named.then_some("claimed"));
        Self { machine, arrived: Vec::new(), out, met: None }
    }

    fn server(keys: &Arc<ServerKeys>) -> Self {
        let mut out = Vec::new();
        let machine = Handshake::listener(SERVED, &mut out).curve_server(keys, NOW);
        Self { machine, arrived: Vec::new(), out, met: None }
    }

    /// Takes bytes in pieces.
    fn take(&mut self, bytes: &[u8], piece: usize) -> Result<(), ProtocolError> {
        for part in bytes.chunks(piece) {
            self.arrived.extend_from_slice(part);
            while self.met.is_none() {
                let (used, met) = self.machine.take(&self.arrived, &mut self.out)?;
                self.arrived.drain(..used);
                self.met = met;
                if used == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    fn sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

/// Lets both talk in pieces until neither has anything to say.
fn talk(client: &mut Side, server: &mut Side, piece: usize) -> Result<(), ProtocolError> {
    while !client.out.is_empty() || !server.out.is_empty() {
        let sent = client.sent();
        server.take(&sent, piece)?;
        let sent = server.sent();
        client.take(&sent, piece)?;
    }
    Ok(())
}

/// The sessions of a client and a server.
pub(super) fn sessions() -> (Box<Session>, Box<Session>) {
    let (server_keys, client_keys) = keys();
    let (mut client, mut server) = (Side::client(&client_keys, true), Side::server(&server_keys));
    talk(&mut client, &mut server, 1000).unwrap();
    (client.machine.take_session().unwrap(), server.machine.take_session().unwrap())
}

#[test]
fn a_handshake_is_complete_however_it_is_cut() {
    for piece in [1, 2, 7, 64, 200, 1000] {
        let (server_keys, client_keys) = keys();
        let (mut client, mut server) = (Side::client(&client_keys, true), Side::server(&server_keys));
        talk(&mut client, &mut server, piece).unwrap();
        let (at_client, at_server) = (client.met.unwrap(), server.met.unwrap());
        assert_eq!((at_client.socket_type, at_server.socket_type), (SocketType::Pub, SocketType::Sub));
        assert_eq!(
            server.machine.take_peer_node().as_deref(),
            Some("node-1"),
            "the name of the key, not the claim"
        );
        assert!(client.machine.take_session().is_some() && server.machine.take_session().is_some());
        assert!(client.arrived.is_empty() && server.arrived.is_empty());
    }
}

#[test]
fn the_lengths_of_the_commands_are_those_of_the_rfc() {
    let (server_keys, client_keys) = keys();
    let (mut client, mut server) = (Side::client(&client_keys, false), Side::server(&server_keys));
    let greeting = Greeting::encode(Mechanism::Curve);
    server.take(&greeting, 64).unwrap();
    assert_eq!(server.sent(), Greeting::encode_as_server(Mechanism::Curve));
    client.take(&Greeting::encode_as_server(Mechanism::Curve), 64).unwrap();
    let hello = client.sent().split_off(GREETING_BYTES);
    assert_eq!(hello.len(), 2 + 200);
    assert_eq!(client.machine.curve_stage(), Some(CurveStage::AwaitsWelcome));
    server.take(&hello, 1000).unwrap();
    let welcome = server.sent();
    assert_eq!(welcome.len(), 2 + 168);
    client.take(&welcome, 1000).unwrap();
    assert_eq!(client.machine.curve_stage(), Some(CurveStage::AwaitsReady));
    let metadata = "Socket-Type".len() + "SUB".len() + 1 + 4;
    let initiate = client.sent();
    assert_eq!(initiate.len(), 9 + 257 + metadata);
    server.take(&initiate, 1000).unwrap();
    assert_eq!(server.sent().len(), 2 + 6 + 8 + 16 + metadata);
}

#[test]
fn a_client_that_expects_another_server_is_refused_at_hello() {
    let (server_keys, _) = keys();
    let wrong = ClientKeys::new(Arc::new(key()), key().public());
    let (mut client, mut server) = (Side::client(&wrong, true), Side::server(&server_keys));
    assert_eq!(talk(&mut client, &mut server, 1000), Err(ProtocolError::CurveBadHello));
    assert_eq!(client.machine.curve_stage(), Some(CurveStage::AwaitsWelcome));
}

#[test]
fn an_unknown_key_is_named_and_only_a_client_of_ours_is_answered() {
    let (server_keys, _) = keys();
    for is_ours in [true, false] {
        let own = key();
        let unknown = own.public();
        let keys = ClientKeys::new(Arc::new(own), server_keys.public());
        let (mut client, mut server) = (Side::client(&keys, is_ours), Side::server(&server_keys));
        assert_eq!(
            talk(&mut client, &mut server, 1000),
            Err(ProtocolError::CurveUnknownKey { key: unknown })
        );
        assert!(ProtocolError::CurveUnknownKey { key: unknown }.to_string().contains(&unknown.to_string()));
        let answer = server.sent();
        assert_eq!(!answer.is_empty(), is_ours);
        if is_ours {
            assert_eq!(client.take(&answer, 1000), Err(ProtocolError::CurveKeyRefused));
        }
    }
}

#[test]
fn a_key_that_is_added_later_is_accepted_and_one_that_is_removed_is_not() {
    let (server_keys, client_keys) = keys();
    let meets = || {
        let (mut client, mut server) = (Side::client(&client_keys, true), Side::server(&server_keys));
        talk(&mut client, &mut server, 1000).is_ok()
    };
    let agents = server_keys.authorized().as_ref().clone();
    assert!(meets());
    server_keys.authorize(AuthorizedAgents::default());
    assert!(!meets());
    server_keys.authorize(agents);
    assert!(meets());
}

/// The commands of a whole handshake: HELLO, WELCOME, INITIATE, READY.
fn commands(client: &mut Side, server: &mut Side) -> [Vec<u8>; 4] {
    client.take(&Greeting::encode_as_server(Mechanism::Curve), 64).unwrap();
    server.take(&Greeting::encode(Mechanism::Curve), 64).unwrap();
    server.sent();
    let hello = client.sent().split_off(GREETING_BYTES);
    server.take(&hello, 1000).unwrap();
    let welcome = server.sent();
    client.take(&welcome, 1000).unwrap();
    let initiate = client.sent();
    server.take(&initiate, 1000).unwrap();
    [hello, welcome, initiate, server.sent()]
}

#[test]
fn a_recorded_handshake_opens_no_other_connection() {
    let (server_keys, client_keys) = keys();
    let [hello, _, initiate, _] =
        commands(&mut Side::client(&client_keys, true), &mut Side::server(&server_keys));
    let mut server = Side::server(&server_keys);
    server.take(&Greeting::encode(Mechanism::Curve), 64).unwrap();
    server.take(&hello, 1000).unwrap();
    assert_eq!(server.take(&initiate, 1000), Err(ProtocolError::CurveBadInitiate));
}

#[test]
fn every_changed_byte_of_every_command_is_refused_by_its_cause() {
    let (server_keys, client_keys) = keys();
    let causes = |number| match number {
        0 => ProtocolError::CurveBadHello,
        1 => ProtocolError::CurveBadWelcome,
        2 => ProtocolError::CurveBadInitiate,
        _ => ProtocolError::CurveBadReady,
    };
    for number in 0..4 {
        let length =
            commands(&mut Side::client(&client_keys, true), &mut Side::server(&server_keys))[number].len();
        let head = if length > 257 { 9 } else { 2 };
        for at in (head..length).step_by(if number == 0 { 1 } else { 3 }) {
            // The padding of HELLO has no meaning.
            if number == 0 && (head + 8..head + 80).contains(&at) {
                continue;
            }
            let (mut client, mut server) = (Side::client(&client_keys, true), Side::server(&server_keys));
            let ended = spoiled(&mut client, &mut server, number, at);
            let is_name = at < head + 9;
            let error = ended.unwrap_err();
            assert!(
                error == causes(number) || (is_name && error != ProtocolError::NoRandomness),
                "{number} {at}: {error:?}"
            );
        }
    }
}

/// A handshake of which one byte of one command is changed.
fn spoiled(client: &mut Side, server: &mut Side, number: usize, at: usize) -> Result<(), ProtocolError> {
    client.take(&Greeting::encode_as_server(Mechanism::Curve), 64)?;
    server.take(&Greeting::encode(Mechanism::Curve), 64)?;
    server.sent();
    client.out.drain(..GREETING_BYTES);
    for step in 0..4 {
        let (from, to) =
            if step % 2 == 0 { (&mut *client, &mut *server) } else { (&mut *server, &mut *client) };
        let mut sent = from.sent();
        if step == number {
            sent[at] ^= 0x20;
        }
        to.take(&sent, 1000)?;
    }
    Ok(())
}

#[test]
fn commands_out_of_order_end_the_handshake() {
    let (server_keys, client_keys) = keys();
    let [hello, welcome, initiate, ready] =
        commands(&mut Side::client(&client_keys, true), &mut Side::server(&server_keys));
    for first in [&welcome, &initiate, &ready] {
        let mut server = Side::server(&server_keys);
        server.take(&Greeting::encode(Mechanism::Curve), 64).unwrap();
        assert_eq!(server.take(first, 1000), Err(ProtocolError::CurveUnexpectedCommand));
    }
    let mut server = Side::server(&server_keys);
    server.take(&Greeting::encode(Mechanism::Curve), 64).unwrap();
    server.take(&hello, 1000).unwrap();
    assert_eq!(server.take(&hello, 1000), Err(ProtocolError::CurveUnexpectedCommand));
    for first in [&hello, &initiate, &ready] {
        let mut client = Side::client(&client_keys, true);
        client.take(&Greeting::encode_as_server(Mechanism::Curve), 64).unwrap();
        assert_eq!(client.take(first, 1000), Err(ProtocolError::CurveUnexpectedCommand));
    }
}

#[test]
fn a_server_refuses_ready_in_the_clear_and_a_client_a_server_without_curve() {
    let (server_keys, client_keys) = keys();
    let mut server = Side::server(&server_keys);
    assert!(matches!(
        server.take(&Greeting::encode(Mechanism::Null), 64),
        Err(ProtocolError::WrongMechanism { .. })
    ));
    let mut server = Side::server(&server_keys);
    server.take(&Greeting::encode(Mechanism::Curve), 64).unwrap();
    let mut ready = Vec::new();
    Command::Ready(b"\x0bSocket-Type\0\0\0\x03SUB").put(&mut ready);
    assert_eq!(server.take(&ready, 1000), Err(ProtocolError::CurveUnexpectedCommand));
    let mut client = Side::client(&client_keys, true);
    assert!(matches!(
        client.take(&Greeting::encode(Mechanism::Null), 64),
        Err(ProtocolError::WrongMechanism { .. })
    ));
    assert_eq!(client.sent().len(), GREETING_BYTES, "no HELLO");
}

#[test]
fn neither_a_machine_nor_a_session_shows_a_key() {
    let (server, own) = (key(), key());
    let secrets = [server.to_text(), own.to_text()];
    let agents = AuthorizedAgents::parse(&format!("node-1 {}", own.public())).unwrap();
    let client_keys = ClientKeys::new(Arc::new(own), server.public());
    let server_keys = Arc::new(ServerKeys::new(server, agents));
    let (mut client, mut server) = (Side::client(&client_keys, true), Side::server(&server_keys));
    let mut shown = format!("{server_keys:?} {client_keys:?}");
    for step in 0..8 {
        shown += &format!("{:?} {:?}", client.machine, server.machine);
        let (from, to) = if step % 2 == 0 { (&mut client, &mut server) } else { (&mut server, &mut client) };
        let sent = from.sent();
        to.take(&sent, 1000).unwrap();
    }
    shown += &format!("{:?} {:?}", client.machine, server.machine);
    assert!(shown.contains("SecretKey(…)") && shown.contains("StreamKey(…)"), "{shown}");
    for secret in secrets {
        assert!(!shown.contains(secret.as_str()));
    }
    assert!(FrameHead::read(b"").unwrap().is_none());
    let _: PublicKey = server_keys.public();
}
