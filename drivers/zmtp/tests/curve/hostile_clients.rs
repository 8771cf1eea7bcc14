//! Clients that stop or go wrong: each is closed by its cause, and an authorized agent receives everything meanwhile.

use std::collections::VecDeque;

use bytes::Bytes;
use drivers_zmtp::protocol::curve::SecretKey;
use drivers_zmtp::protocol::{Command, Greeting, Mechanism};

use super::fleet::{Fleet, event, topic, until};
use super::raw_client::{RawClient, keys, unknown_keys};

/// Frames of a subscription, sealed.
fn subscription(session: &mut drivers_zmtp::protocol::curve::Session) -> Vec<u8> {
    let (mut frames, mut sealed) = (Vec::new(), Vec::new());
    Command::Subscribe(b"D").put(&mut frames);
    session.sealer.seal(&frames, usize::MAX, &mut sealed).unwrap();
    sealed
}

#[tokio::test]
async fn what_does_not_keep_to_the_handshake_is_closed_by_its_cause() {
    let fleet = Fleet::new(&["good", "bad"], &[]).await;
    let good = fleet.agent("good", fleet.key).await;
    fleet.seen(1).await;
    let endpoint = fleet.endpoint();
    let own = keys(&fleet.key_file("bad"), fleet.key);
    let mut wanted = Vec::new();

    let elsewhere = keys(&fleet.key_file("bad"), SecretKey::generate().unwrap().public());
    let mut client = RawClient::with_hello(&endpoint, &elsewhere);
    client.send();
    wanted.push(("curve_bad_hello", client));

    let mut client = RawClient::with_initiate(&endpoint, &unknown_keys(fleet.key));
    client.send();
    wanted.push(("curve_unknown_key", client));

    let mut client = RawClient::with_hello(&endpoint, &own);
    let recorded_hello = client.out.clone();
    client.step();
    let recorded_initiate = std::mem::take(&mut client.out);
    let mut replaying = RawClient::new(&endpoint, &own);
    replaying.out = [Greeting::encode(Mechanism::Curve).to_vec(), recorded_hello].concat();
    replaying.say(&recorded_initiate);
    wanted.push(("curve_bad_initiate", replaying));

    let mut cut = RawClient::with_initiate(&endpoint, &own);
    // One byte less, and announced so; INITIATE has a long head.
    cut.out.pop();
    let body = u64::try_from(cut.out.len() - 9).unwrap();
    cut.out[1..9].copy_from_slice(&body.to_be_bytes());
    cut.send();
    wanted.push(("curve_bad_initiate", cut));

    let mut noise = RawClient::with_hello(&endpoint, &own);
    noise.out.truncate(2 + 6 + 2 + 72);
    noise.out.extend((0..120_u8).map(|byte| byte.wrapping_mul(73).wrapping_add(11)));
    noise.send();
    wanted.push(("curve_bad_hello", noise));

    let mut in_the_clear = RawClient::with_hello(&endpoint, &own);
    in_the_clear.out.clear();
    in_the_clear.say(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB");
    wanted.push(("curve_unexpected_command", in_the_clear));

    for (cause, mut client) in wanted {
        client.until_closed();
        until(cause, || fleet.refused(cause) >= 1).await;
    }
    assert_eq!(fleet.refused("curve_bad_initiate"), 2);
    assert_eq!(fleet.refused("curve_bad_hello"), 2);
    fleet.publisher.send(&topic("D"), Bytes::from_static(b"still here")).await.unwrap();
    assert_eq!(event(&good).await, b"still here");
}

#[tokio::test]
async fn what_goes_wrong_after_the_handshake_is_closed_by_its_cause() {
    let fleet = Fleet::new(&["bad"], &[]).await;
    let own = keys(&fleet.key_file("bad"), fleet.key);
    for (number, (cause, spoil)) in [
        ("curve_bad_nonce", (|good: Vec<u8>| [good.clone(), good].concat()) as fn(Vec<u8>) -> Vec<u8>),
        ("curve_bad_nonce", |mut good| {
            good[2 + 8..2 + 16].fill(0);
            good
        }),
        ("curve_bad_message", |mut good| {
            good[2 + 8..2 + 16].fill(0xff);
            good
        }),
        ("curve_bad_message", |mut good| {
            good.pop();
            good[1] -= 1;
            good
        }),
        ("curve_bad_message", |_| b"\0\x09\x07MESSAGE\0".to_vec()),
        ("curve_unexpected_command", |_| b"\x04\x0b\x09SUBSCRIBED".to_vec()),
        ("frame_too_long", |_| b"\x02\0\0\0\0\x7f\xff\xff\xff".to_vec()),
    ]
    .into_iter()
    .enumerate()
    {
        let before = fleet.refused(cause);
        let (mut client, mut session) = RawClient::connected(&fleet.endpoint(), &own);
        client.say(&spoil(subscription(&mut session)));
        client.until_closed();
        until(&format!("{cause}, case {number}"), || fleet.refused(cause) == before + 1).await;
    }
}

/// Each costs the publisher a place and two agreements of keys, no more; the limits of handshakes are those of NULL.
#[tokio::test]
async fn ten_thousand_half_finished_handshakes_neither_delay_nor_lose_an_event() {
    const HALF_FINISHED: usize = 10_000;
    const AT_A_TIME: usize = 200;
    let fleet = Fleet::new(&["good"], &["drivers.zmtp.max_handshakes=64"]).await;
    let good = fleet.agent("good", fleet.key).await;
    fleet.seen(1).await;
    let (endpoint, key) = (fleet.endpoint(), fleet.key);
    let flood = std::thread::spawn(move || {
        let keys = unknown_keys(key);
        let mut open = VecDeque::new();
        for _ in 0..HALF_FINISHED {
            // Greeting and HELLO at once; what is answered is not read.
            let mut client = RawClient::new(&endpoint, &keys);
            client.out = Greeting::encode(Mechanism::Curve).to_vec();
            client.say(&[b"\x04\xc8\x05HELLO\x01\0".as_slice(), &[0; 192]].concat());
            open.push_back(client);
            if open.len() >= AT_A_TIME {
                open.pop_front();
            }
        }
    });
    let mut number = 0_u64;
    while !flood.is_finished() {
        fleet.publisher.send(&topic("D"), Bytes::from(number.to_string())).await.unwrap();
        assert_eq!(event(&good).await, number.to_string().into_bytes());
        number += 1;
    }
    flood.join().unwrap();
    assert!(number > 0);
    assert!(fleet.refused("curve_bad_hello") > 0);
    assert_eq!(good.status().counter("links_lost", None), 0);
}
