//! Peers that speak ZMTP 3.0, which has CURVE and neither commands for subscriptions nor heartbeats (RFC 23).

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use drivers_zmtp::protocol::curve::{AuthorizedAgents, PublicKey, ServerKeys, Session};
use drivers_zmtp::protocol::{Handshake, SocketType, put_event};

use super::fleet::{Fleet, PATIENCE, event, topic};
use super::raw_client::{RawClient, keys};

/// Where a greeting has its minor version (RFC 23).
const MINOR: usize = 11;

#[tokio::test]
async fn a_subscriber_of_3_0_is_served() {
    let fleet = Fleet::new(&["old"], &[]).await;
    let mut old = RawClient::new(&fleet.endpoint(), &keys(&fleet.key_file("old"), fleet.key));
    assert_eq!(old.out.len(), MINOR, "it greets in stages");
    assert!(old.step().is_none());
    old.out[0] = 0;
    let mut session = loop {
        if let Some(session) = old.step() {
            break session;
        }
    };
    let mut sealed = Vec::new();
    // A message of one frame: 1, and the topic.
    session.sealer.seal(b"\0\x02\x01D", usize::MAX, &mut sealed).unwrap();
    old.say(&sealed);
    fleet.seen(1).await;
    fleet.publisher.send(&topic("D"), Bytes::from_static(b"for 3.0")).await.unwrap();
    let mut wanted = Vec::new();
    put_event(&mut wanted, b"D", b"for 3.0");
    assert_eq!(old.frames(&mut session, wanted.len()), wanted);
}

/// Answers the handshake of one subscriber as a publisher of 3.0, and sends it an event once it has subscribed. Returns the
/// connection, which is open.
fn publish_as_3_0(listener: &TcpListener, keys: &Arc<ServerKeys>) -> TcpStream {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut out = Vec::new();
    let mut machine =
        Handshake::listener(&[SocketType::Sub], &mut out).curve_server(keys, SystemTime::UNIX_EPOCH);
    let (mut arrived, mut written) = (Vec::new(), 0);
    let mut session: Option<Box<Session>> = None;
    let mut frames = Vec::new();
    while !frames.windows(2).any(|two| two == b"\x01D") {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "the subscriber has closed");
        arrived.extend_from_slice(&bytes[..count]);
        if session.is_none() {
            let (used, _) = machine.take(&arrived, &mut out).unwrap();
            arrived.drain(..used);
            if let Some(minor) = MINOR.checked_sub(written).and_then(|place| out.get_mut(place)) {
                *minor = 0;
            }
            written += out.len();
            stream.write_all(&std::mem::take(&mut out)).unwrap();
            session = machine.take_session();
        }
        if let Some(session) = &mut session {
            let used = session.opener.open(&arrived, 1 << 20, &mut frames).unwrap();
            arrived.drain(..used);
        }
    }
    assert!(!frames.windows(9).any(|part| part == b"SUBSCRIBE"), "a command is of 3.1");
    let (mut plain, mut sealed) = (Vec::new(), Vec::new());
    put_event(&mut plain, b"D", b"of 3.0");
    session.unwrap().sealer.seal(&plain, usize::MAX, &mut sealed).unwrap();
    stream.write_all(&sealed).unwrap();
    stream
}

#[tokio::test]
async fn a_publisher_of_3_0_is_followed() {
    let fleet = Fleet::new(&["node"], &[]).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let own: PublicKey = drivers_zmtp::read_key_file(&fleet.key_file("node")).unwrap().public();
    let agents = AuthorizedAgents::parse(&format!("node {own}\n")).unwrap();
    let secret = drivers_zmtp::read_key_file(&fleet.key_file("publisher")).unwrap();
    let server = Arc::new(ServerKeys::new(secret, agents));
    let publishing = std::thread::spawn(move || publish_as_3_0(&listener, &server));
    let agent = fleet.agent_at("node", &address.to_string());
    agent.initialize().await.unwrap();
    assert_eq!(event(&agent).await, b"of 3.0");
    let _open = publishing.join().unwrap();
}
