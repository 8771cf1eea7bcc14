//! Peers that are no subscribers, or wish us ill: each is closed by its cause, and the others are served.

use std::time::Duration;

use bytes::Bytes;
use drivers_zmtp::protocol::{Command, Greeting, Mechanism, SocketType};
use pubsub_api::MAX_SUBSCRIPTIONS;

use super::ends::{publisher, seen, topic, until};
use super::raw_subscriber::{RawSubscriber, hello_of};

fn hello_of_a_sub() -> Vec<u8> {
    hello_of(SocketType::Sub)
}

#[tokio::test]
async fn wrong_bytes_close_the_connection_by_their_cause_and_harm_nobody() {
    let (publisher, address) = publisher(&[]).await;
    let mut good = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 1).await;
    let after = |bytes: &[u8]| [&hello_of_a_sub(), bytes].concat();
    let in_greeting = |at: usize, byte: u8| {
        let mut hello = hello_of_a_sub();
        hello[at] = byte;
        hello
    };
    let mut long_topic = Vec::new();
    Command::Subscribe(&[b'x'; 1025]).put(&mut long_topic);
    let mut as_pub = hello_of_a_sub();
    as_pub.splice(64.., *b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB");
    let mut as_push = hello_of_a_sub();
    as_push.splice(64.., *b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04PUSH");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("bad_signature", b"GET / HTTP/1.1\r\nHost: publisher\r\n\r\n".to_vec()),
        ("bad_signature", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("bad_signature", b"\0\0\0\0".to_vec()),
        ("bad_signature", in_greeting(9, 0)),
        ("old_version", in_greeting(10, 1)),
        ("old_version", in_greeting(10, 2)),
        ("wrong_mechanism", in_greeting(12, b'P')),
        ("wrong_socket_type", as_pub),
        ("wrong_socket_type", as_push),
        ("not_ready", [&hello_of_a_sub()[..64], b"\0\x02\x01D"].concat()),
        ("frame_too_long", [&hello_of_a_sub()[..64], b"\x06\0\0\x01\0\0\0\0\0"].concat()),
        ("frame_too_long", after(b"\x02\0\0\x01\0\0\0\0\0")),
        ("frame_too_long", after(b"\x02\0\0\0\x02\0\0\0\0")),
        ("frame_too_long", after(b"\x02\x80\0\0\0\0\0\0\0")),
        ("frame_too_long", after(b"\x02\0\0\0\0\0\x10\0\0")),
        ("subscription_too_long", after(&long_topic)),
        ("bad_flags", after(b"\x10\0")),
        ("bad_command", after(b"\x04\0")),
        ("command_in_message", after(b"\x01\x01x\x04\x05\x04PONG")),
    ];
    for (cause, bytes) in cases {
        let before = publisher.status().counter("peers_refused", Some(cause));
        let mut hostile = RawSubscriber::silent(address);
        hostile.say(&bytes);
        hostile.until_closed();
        let counted = || publisher.status().counter("peers_refused", Some(cause)) == before + 1;
        until(&format!("{cause} is counted for {bytes:02x?}"), counted).await;
    }
    publisher.send(&topic("D"), Bytes::from_static(b"still here")).await.unwrap();
    assert_eq!(good.event().1, b"still here");
}

/// As libzmq does, which leaves without a word once it has our whole greeting.
#[tokio::test]
async fn a_peer_that_greets_in_stages_is_named_by_its_version_or_mechanism_before_it_sees_ours() {
    let (publisher, address) = publisher(&[]).await;
    let mut old = Greeting::encode(Mechanism::Null).to_vec();
    old[10] = 1;
    old.truncate(12);
    let mechanism = |mechanism| Greeting::encode(mechanism).to_vec();
    for (cause, greeting) in [
        ("old_version", old),
        ("wrong_mechanism", mechanism(Mechanism::Plain)),
        ("wrong_mechanism", mechanism(Mechanism::Curve)),
    ] {
        let before = publisher.status().counter("peers_refused", Some(cause));
        let mut peer = RawSubscriber::silent(address);
        peer.say(&greeting[..10]);
        let signature_and_major = peer.hears(11);
        assert_eq!(signature_and_major, Greeting::encode(Mechanism::Null)[..11]);
        peer.say(&greeting[10..]);
        assert!(peer.until_closed().is_empty(), "{cause}: it sees no more of ours");
        let counted = || publisher.status().counter("peers_refused", Some(cause)) == before + 1;
        until(&format!("{cause} is counted"), counted).await;
    }
    assert_eq!(publisher.status().counter("peers_refused", Some("left_in_handshake")), 0);
}

#[tokio::test]
async fn a_peer_of_the_wrong_type_hears_why() {
    let (_publisher, address) = publisher(&[]).await;
    let mut hello = hello_of_a_sub();
    hello.splice(64.., *b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB");
    let mut peer = RawSubscriber::silent(address);
    peer.say(&hello);
    let heard = peer.until_closed();
    assert!(heard.windows(5).any(|window| window == b"ERROR"), "{heard:?}");
}

#[tokio::test]
async fn a_peer_that_does_not_complete_its_handshake_in_time_is_closed() {
    let (publisher, address) = publisher(&["drivers.zmtp.handshake_timeout=300ms"]).await;
    let hello = hello_of_a_sub();
    let mut peers: Vec<RawSubscriber> = [0, 1, 63, 64, hello.len() - 1]
        .into_iter()
        .map(|length| {
            let mut peer = RawSubscriber::silent(address);
            peer.say(&hello[..length]);
            peer
        })
        .collect();
    peers.iter_mut().for_each(|peer| drop(peer.until_closed()));
    until("they are counted", || publisher.status().counter("peers_refused", Some("handshake_timeout")) == 5)
        .await;
}

#[tokio::test]
async fn a_thousand_slow_handshakes_do_not_keep_a_quick_one_out() {
    let (publisher, address) = publisher(&["drivers.zmtp.handshake_timeout=60s"]).await;
    let mut slow: Vec<RawSubscriber> = (0..1000)
        .map(|_| {
            let mut peer = RawSubscriber::silent(address);
            peer.say(&hello_of_a_sub()[..20]);
            peer
        })
        .collect();
    let mut quick = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 1).await;
    publisher.send(&topic("D"), Bytes::from_static(b"in")).await.unwrap();
    assert_eq!(quick.event().1, b"in");
    until("the oldest were closed", || {
        publisher.status().counter("peers_refused", Some("too_many_handshakes")) >= 1000 - 256 - 1
    })
    .await;
    slow[0].until_closed();
    let waiting = publisher.status().peers.iter().filter(|peer| peer.state == "connecting").count();
    assert!(waiting <= 256, "{waiting}");
}

#[tokio::test]
async fn one_subscription_too_many_closes_the_connection() {
    let (publisher, address) = publisher(&[]).await;
    let mut greedy = RawSubscriber::greeted(address);
    let mut bytes = Vec::new();
    // As many as an application may ask for and `$hello`, and one more.
    for number in 0..MAX_SUBSCRIPTIONS + 2 {
        Command::Subscribe(format!("topic-{number}").as_bytes()).put(&mut bytes);
    }
    greedy.say(&bytes);
    greedy.until_closed();
    until("it is counted", || {
        publisher.status().counter("peers_refused", Some("too_many_subscriptions")) == 1
    })
    .await;
}

#[tokio::test]
async fn connections_are_bounded_in_all_and_by_address_and_network() {
    for (setting, cause) in [
        ("drivers.zmtp.max_connections=2", "too_many_connections"),
        ("drivers.zmtp.max_connections_per_address=2", "too_many_of_address"),
        ("drivers.zmtp.allow_from=192.0.2.0/24", "not_allowed"),
    ] {
        let (publisher, address) = publisher(&[setting]).await;
        let mut all: Vec<RawSubscriber> = (0..3).map(|_| RawSubscriber::silent(address)).collect();
        let refused = if cause == "not_allowed" { 3 } else { 1 };
        until(cause, || publisher.status().counter("peers_refused", Some(cause)) == refused).await;
        all[2].until_closed();
    }
}

#[tokio::test]
async fn claiming_the_identity_of_another_changes_nothing() {
    let (publisher, address) = publisher(&[]).await;
    let mut hello = hello_of_a_sub();
    hello.splice(64.., *b"\x04\x2a\x05READY\x0bSocket-Type\0\0\0\x03SUB\x08Identity\0\0\0\x04same");
    let mut twins: Vec<RawSubscriber> = (0..2)
        .map(|_| {
            let mut twin = RawSubscriber::silent(address);
            twin.say(&hello);
            twin.command(&Command::Subscribe(b"D"));
            twin
        })
        .collect();
    seen(&publisher, 2).await;
    publisher.send(&topic("D"), Bytes::from_static(b"to both")).await.unwrap();
    for twin in &mut twins {
        twin.skip_handshake();
        assert_eq!(twin.event().1, b"to both");
    }
}

#[tokio::test]
async fn connections_that_are_reset_all_at_once_leave_nothing() {
    const PEERS: usize = 400;
    let (publisher, address) = publisher(&[]).await;
    let peers: Vec<RawSubscriber> = (0..PEERS).map(|_| RawSubscriber::of(address, &["D"])).collect();
    seen(&publisher, PEERS).await;
    peers.iter().for_each(RawSubscriber::reset);
    drop(peers);
    until("all have left", || publisher.status().counter("peers_left", None) == PEERS as u64).await;
    let connections =
        publisher.status().queues.into_iter().find(|queue| queue.name == "connections").unwrap();
    assert_eq!(connections.depth, 0);
    let mut next = RawSubscriber::of(address, &["D"]);
    tokio::time::timeout(Duration::from_secs(20), async {
        let seen = publisher.subscribers_seen().unwrap();
        while !matches!(seen.next().await.unwrap(), pubsub_api::SubscriptionSeen::Subscribed { .. }) {}
    })
    .await
    .unwrap();
    publisher.send(&topic("D"), Bytes::from_static(b"next")).await.unwrap();
    assert_eq!(next.event().1, b"next");
}
