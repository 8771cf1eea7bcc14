#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a check ends where an expectation fails")]

use std::sync::Arc;
use std::time::SystemTime;

use drivers_zmtp::protocol::curve::{AuthorizedAgents, ClientKeys, SecretKey, ServerKeys, Session};
use drivers_zmtp::protocol::{
    Command, Greeting, Handshake, Mechanism, Peer, ProtocolError, SocketType, put_event,
};

/// The keys of both ends are always the same; what they make for a connection is not.
const SERVER: &str = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
const CLIENT: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

const MAX_BODY_BYTES: usize = 4096;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

/// Whatever a peer sends in a handshake of CURVE, or after it, harms nobody, and what was changed on its way is refused.
///
/// The first byte chooses what the rest is: what a server or a client is sent after the greeting, what a session is sent, or
/// which byte of which command or message is changed, and how.
pub(crate) fn check(input: &[u8]) {
    let Some((what, rest)) = input.split_first() else { return };
    match what % 5 {
        0 => arbitrary(server(), &Greeting::encode(Mechanism::Curve), rest),
        1 => arbitrary(client(), &Greeting::encode_as_server(Mechanism::Curve), rest),
        2 => traffic(rest),
        3 => changed_command(rest),
        _ => changed_message(rest),
    }
}

fn keys() -> (SecretKey, SecretKey) {
    (SERVER.parse().unwrap(), CLIENT.parse().unwrap())
}

fn server() -> Handshake {
    let (server, client) = keys();
    let agents = AuthorizedAgents::parse(&format!("node {}", client.public())).unwrap();
    let keys = Arc::new(ServerKeys::new(server, agents));
    Handshake::listener(&[SocketType::Sub], &mut Vec::new()).curve_server(&keys, NOW)
}

fn client() -> Handshake {
    let (server, client) = keys();
    let keys = ClientKeys::new(Arc::new(client), server.public());
    Handshake::connector(SocketType::Sub, &mut Vec::new()).curve_client(&keys).unwrap()
}

/// Nobody who has no key gets through a handshake.
fn arbitrary(mut machine: Handshake, greeting: &[u8], bytes: &[u8]) {
    let mut arrived = greeting.to_vec();
    let mut out = Vec::new();
    for part in bytes.chunks(1 + bytes.len() / 3) {
        arrived.extend_from_slice(part);
        loop {
            match machine.take(&arrived, &mut out) {
                Ok((used, met)) => {
                    assert!(used <= arrived.len() && met.is_none(), "without a key");
                    arrived.drain(..used);
                    if used == 0 {
                        break;
                    }
                }
                Err(_) => return,
            }
        }
    }
    assert!(machine.take_session().is_none());
}

/// What has no box of the session is never opened, and refused at the same place however it is cut.
fn traffic(bytes: &[u8]) {
    let (mut one, _) = sessions().unwrap();
    let mut opened = Vec::new();
    let whole = one.opener.open(bytes, MAX_BODY_BYTES, &mut opened);
    assert!(opened.is_empty() && whole.is_ok_and(|used| used == 0) || whole.is_err());
    let mut arrived = Vec::new();
    let mut cut = Ok(0);
    for byte in bytes {
        arrived.push(*byte);
        cut = one.opener.open(&arrived, MAX_BODY_BYTES, &mut opened);
        if cut.is_err() {
            break;
        }
    }
    assert_eq!(whole, cut);
    assert!(opened.is_empty());
}

/// The commands of a handshake, of which one byte is changed, or none.
fn changed_command(rest: &[u8]) {
    let [step, high, low, change, ..] = rest else { return };
    let at = usize::from(u16::from_be_bytes([*high, *low]));
    let ended = meet(|number, sent| {
        if number == usize::from(*step % 4)
            && let Some(byte) = sent.get_mut(at)
        {
            *byte ^= change;
        }
    });
    // Of HELLO, WELCOME and INITIATE, these are of the box or its nonce.
    if *change != 0 && step % 4 < 3 && (120..150).contains(&at) {
        assert!(ended.is_err(), "step {step}, byte {at}");
    }
    if *change == 0 {
        assert!(ended.is_ok());
    }
}

/// Messages of which one byte is changed, or which are sent in another order.
fn changed_message(rest: &[u8]) {
    let [first, second, at, change, ..] = rest else { return };
    let (mut client, mut server) = sessions().unwrap();
    let (mut frames, mut sealed) = (Vec::new(), Vec::new());
    let messages: Vec<Vec<u8>> = (0..4_u8)
        .map(|number| {
            frames.clear();
            sealed.clear();
            match number {
                0 => Command::Ping { ttl: 1, context: b"context" }.put(&mut frames),
                _ => put_event(&mut frames, b"D", &vec![number; usize::from(number) * 100]),
            }
            client.sealer.seal(&frames, usize::MAX, &mut sealed).unwrap();
            sealed.clone()
        })
        .collect();
    let (first, second) = (usize::from(first % 4), usize::from(second % 4));
    let mut sent = [messages[first].clone(), messages[second].clone()].concat();
    let place = usize::from(*at);
    if let Some(byte) = sent.get_mut(place) {
        *byte ^= change;
    }
    let mut opened = Vec::new();
    let ended = server.opener.open(&sent, MAX_BODY_BYTES, &mut opened);
    if second <= first {
        assert!(ended != Ok(sent.len()), "replayed or in another order");
    } else if *change == 0 {
        assert_eq!(ended, Ok(sent.len()));
    } else if (2 + 8..messages[first].len()).contains(&place) && first == 0 {
        assert!(ended.is_err(), "byte {place}");
    }
}

fn sessions() -> Result<(Box<Session>, Box<Session>), ProtocolError> {
    meet(|_, _| {})
}

/// A handshake of both ends; `change` sees each command, with its number.
fn meet(mut change: impl FnMut(usize, &mut Vec<u8>)) -> Result<(Box<Session>, Box<Session>), ProtocolError> {
    let (mut client, mut server) = (client(), server());
    let mut waiting = Vec::new();
    let mut ignored = Vec::new();
    client.take(&Greeting::encode_as_server(Mechanism::Curve), &mut waiting)?;
    server.take(&Greeting::encode(Mechanism::Curve), &mut ignored)?;
    // What follows the greeting.
    let mut sent = waiting.split_off(waiting.len() - 202);
    for number in 0..4 {
        change(number, &mut sent);
        let mut answer = Vec::new();
        let side = if number % 2 == 0 { &mut server } else { &mut client };
        let _: (usize, Option<Peer>) = side.take(&sent, &mut answer)?;
        sent = answer;
    }
    let sessions = client.take_session().zip(server.take_session());
    sessions.ok_or(ProtocolError::NotReady)
}
