//! What subscribers get, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use drivers_zmtp::protocol::{Command, SocketType};
use pubsub_api::{Batch, Envelope, PeerId, SubscriptionSeen};

use super::ends::{PATIENCE, publisher, seen, topic, until};
use super::raw_subscriber::{Heard, RawSubscriber};

fn numbered(number: usize) -> Bytes {
    Bytes::from(format!("event {number}"))
}

#[tokio::test]
async fn subscriptions_are_taken_as_commands_and_as_messages_by_prefix() {
    let (publisher, address) = publisher(&[]).await;
    let mut new = RawSubscriber::of(address, &["D"]);
    let mut old = RawSubscriber::greeted_as(address, SocketType::Xsub, 0);
    old.say(b"\0\x07\x01tenant");
    let mut all = RawSubscriber::of(address, &[""]);
    seen(&publisher, 3).await;
    for name in ["D", "tenant-1", "Demo", "other"] {
        publisher.send(&topic(name), Bytes::from_static(b"x")).await.unwrap();
    }
    let topics = |subscriber: &mut RawSubscriber, count: usize| -> Vec<String> {
        (0..count).map(|_| subscriber.event().0).collect()
    };
    assert_eq!(topics(&mut new, 2), ["D", "Demo"]);
    assert_eq!(topics(&mut old, 1), ["tenant-1"]);
    assert_eq!(topics(&mut all, 4), ["D", "tenant-1", "Demo", "other"]);
}

#[tokio::test]
async fn hundreds_of_subscribers_receive_lone_events_and_batches_in_order() {
    let (publisher, address) = publisher(&[]).await;
    let mut subscribers: Vec<RawSubscriber> = (0..300).map(|_| RawSubscriber::of(address, &["D"])).collect();
    seen(&publisher, 300).await;
    for turn in 0..10 {
        publisher.send(&topic("D"), numbered(turn * 30)).await.unwrap();
        let mut batch = Batch::new();
        batch.extend((1..30).map(|n| Envelope { topic: topic("D"), payload: numbered(turn * 30 + n) }));
        publisher.send_batch(&mut batch).await.unwrap();
    }
    for subscriber in &mut subscribers {
        for number in 0..300 {
            assert_eq!(subscriber.event(), ("D".to_owned(), numbered(number).to_vec()));
        }
    }
}

#[tokio::test]
async fn a_listener_sends_its_ready_after_the_peers() {
    let (_publisher, address) = publisher(&[]).await;
    let mut peer = RawSubscriber::silent(address);
    peer.greet();
    let greeting = {
        let mut came = Vec::new();
        while came.len() < 64 {
            let mut one = [0; 1];
            std::io::Read::read_exact(&mut peer.raw(), &mut one).unwrap();
            came.push(one[0]);
        }
        came
    };
    assert_eq!(greeting[0], 0xff);
    peer.raw().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let silence = std::io::Read::read(&mut peer.raw(), &mut [0; 1]).unwrap_err();
    assert!(matches!(silence.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
    peer.raw().set_read_timeout(Some(PATIENCE)).unwrap();
    peer.say(b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER");
    let mut ready = [0; 8];
    std::io::Read::read_exact(&mut peer.raw(), &mut ready).unwrap();
    assert_eq!(&ready[2..], b"\x05READY");
}

#[tokio::test]
async fn events_of_all_sizes_arrive_whole_and_in_order_in_many_topics() {
    let (publisher, address) = publisher(&[]).await;
    let mut subscribers: Vec<RawSubscriber> =
        (0..40).map(|number| RawSubscriber::of(address, &[&format!("t{}", number % 5), "D"])).collect();
    seen(&publisher, 80).await;
    let sizes = [0, 1, 255, 256, 65_536, 1 << 20, 300];
    for (number, size) in sizes.into_iter().cycle().take(21).enumerate() {
        let payload = Bytes::from(vec![u8::try_from(number).unwrap(); size]);
        publisher.send(&topic(&format!("t{}", number % 7)), payload.clone()).await.unwrap();
        publisher.send(&topic("D"), payload).await.unwrap();
    }
    for (which, subscriber) in subscribers.iter_mut().enumerate() {
        for (number, size) in sizes.into_iter().cycle().take(21).enumerate() {
            let wanted = vec![u8::try_from(number).unwrap(); size];
            if number % 7 == which % 5 {
                assert_eq!(subscriber.event(), (format!("t{}", number % 7), wanted.clone()));
            }
            assert_eq!(subscriber.event(), ("D".to_owned(), wanted));
        }
    }
}

#[tokio::test]
async fn filters_that_change_under_load_neither_lose_nor_add() {
    let (publisher, address) = publisher(&[]).await;
    let mut busy = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 1).await;
    let big = Bytes::from(vec![b'x'; 100_000]);
    for round in 0..100 {
        // More than the sockets hold: the change comes while the subscriber has not read everything.
        for _ in 0..100 {
            publisher.send(&topic("D"), big.clone()).await.unwrap();
        }
        busy.command(&Command::Subscribe(b"extra"));
        seen_while_reading(&publisher, &mut busy, round).await;
        publisher.send(&topic("extra"), numbered(round)).await.unwrap();
        busy.command(&Command::Cancel(b"extra"));
        assert_eq!(busy.event(), ("extra".to_owned(), numbered(round).to_vec()), "round {round}");
        cancelled(&publisher).await;
        publisher.send(&topic("extra"), Bytes::from_static(b"not asked for")).await.unwrap();
    }
}

/// The subscription takes effect though the subscriber reads only now.
async fn seen_while_reading(
    publisher: &std::sync::Arc<dyn pubsub_api::Publisher>,
    busy: &mut RawSubscriber,
    round: usize,
) {
    let reading = async {
        for number in 0..100 {
            let (name, payload) = busy.event();
            assert_eq!((name.as_str(), payload.len()), ("D", 100_000), "round {round}, event {number}");
        }
    };
    tokio::join!(seen(publisher, 1), reading);
}

async fn cancelled(publisher: &std::sync::Arc<dyn pubsub_api::Publisher>) {
    let next = publisher.subscribers_seen().unwrap().next();
    let seen = tokio::time::timeout(PATIENCE, next).await.unwrap().unwrap();
    assert!(matches!(seen, SubscriptionSeen::Cancelled { .. }), "{seen:?}");
}

#[tokio::test]
async fn a_ping_is_answered_between_events_and_never_within_one() {
    let (publisher, address) = publisher(&[]).await;
    let mut slow = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 1).await;
    let payload = Bytes::from(vec![b'x'; 300_000]);
    for _ in 0..60 {
        publisher.send(&topic("D"), payload.clone()).await.unwrap();
        slow.command(&Command::Ping { ttl: 0, context: b"context" });
    }
    let (mut events, mut pongs) = (0, 0);
    while events < 60 || pongs < 60 {
        match slow.hear() {
            Heard::Event(_, came) => {
                assert_eq!(came.len(), 300_000);
                events += 1;
            }
            Heard::Pong | Heard::RetryAfter(_) => pongs += 1,
            Heard::Ping => {}
            Heard::End => panic!("closed"),
        }
    }
}

#[tokio::test]
async fn what_is_sent_to_one_comes_to_one_at_its_place() {
    let (publisher, address) = publisher(&[]).await;
    let mut one = RawSubscriber::of(address, &["D"]);
    let see = publisher.subscribers_seen().unwrap();
    let SubscriptionSeen::Subscribed { peer, .. } = see.next().await.unwrap() else {
        panic!("not subscribed")
    };
    let mut other = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 1).await;
    for number in 0..1000 {
        publisher.send(&topic("D"), numbered(number)).await.unwrap();
        assert!(see.send_to(peer, &topic("D"), &Bytes::from_static(b"alone")));
    }
    assert!(!see.send_to(peer, &topic("E"), &Bytes::new()), "it did not ask for this topic");
    assert!(!see.send_to(PeerId(peer.0 + 1_000_000), &topic("D"), &Bytes::new()), "it was never there");
    for number in 0..1000 {
        assert_eq!(one.event().1, numbered(number));
        assert_eq!(one.event().1, b"alone");
        assert_eq!(other.event().1, numbered(number));
    }
}

#[tokio::test]
async fn a_peer_that_states_how_often_it_sends_is_pinged_less_often() {
    const PINGS: usize = 40;
    let (publisher, address) = publisher(&["drivers.zmtp.heartbeat_interval=100ms"]).await;
    let mut stating = RawSubscriber::alive_every(address, Duration::from_secs(3600));
    let mut plain = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 1).await;
    let counting = std::thread::spawn(move || {
        let mut pings = 0;
        while stating.hear() == Heard::Ping {
            stating.command(&Command::Pong);
            pings += 1;
        }
        pings
    });
    for _ in 0..PINGS {
        assert_eq!(plain.hear(), Heard::Ping);
        plain.command(&Command::Pong);
    }
    publisher.close().await.unwrap();
    let pings = counting.join().unwrap();
    assert!((1..PINGS).contains(&pings), "{pings} PINGs, and {PINGS} to the other");
}

#[tokio::test]
async fn a_silent_peer_of_3_1_is_pinged_and_then_dead_and_one_of_3_0_is_left_alone() {
    let (publisher, address) = publisher(&["drivers.zmtp.heartbeat_interval=100ms", "dead_after=2s"]).await;
    let mut old = RawSubscriber::greeted_as(address, SocketType::Sub, 0);
    let mut silent = RawSubscriber::of(address, &["D"]);
    let mut lively = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 2).await;
    let mut pings = 0;
    while pings < 25 {
        assert_eq!(lively.hear(), Heard::Ping);
        lively.command(&Command::Pong);
        pings += 1;
    }
    assert_eq!(silent.hear(), Heard::Ping);
    assert_eq!(silent.hear(), Heard::End);
    old.command(&Command::Subscribe(b"D"));
    seen(&publisher, 1).await;
    publisher.send(&topic("D"), Bytes::from_static(b"still")).await.unwrap();
    assert_eq!(old.hear(), Heard::Event("D".to_owned(), b"still".to_vec()));
    assert_eq!(publisher.status().counter("peers_refused", Some("dead")), 1);
}

#[tokio::test]
async fn a_publisher_that_stops_gives_each_subscriber_of_ours_its_own_time_to_connect_again() {
    let (publisher, address) = publisher(&["drivers.zmtp.reconnects_per_second=10"]).await;
    let mut ours: Vec<_> =
        (0..4).map(|_| RawSubscriber::alive_every(address, Duration::from_secs(3600))).collect();
    let mut foreign = RawSubscriber::of(address, &["D"]);
    ours.iter_mut().for_each(|subscriber| subscriber.command(&Command::Subscribe(b"D")));
    seen(&publisher, 5).await;
    publisher.send(&topic("D"), Bytes::from_static(b"last")).await.unwrap();
    publisher.close().await.unwrap();
    let mut times = BTreeSet::new();
    for subscriber in &mut ours {
        assert_eq!(subscriber.hear(), Heard::Event("D".to_owned(), b"last".to_vec()));
        let Heard::RetryAfter(time) = subscriber.hear() else { panic!("no time to connect again") };
        times.insert(time.as_millis());
        assert_eq!(subscriber.hear(), Heard::End);
    }
    assert_eq!(times, BTreeSet::from([100, 200, 300, 400]), "one each tenth of a second");
    assert_eq!(foreign.hear(), Heard::Event("D".to_owned(), b"last".to_vec()));
    assert_eq!(foreign.hear(), Heard::End, "a peer of another kind hears nothing else");
}

#[tokio::test]
async fn closing_hands_over_what_was_accepted_and_releases_the_port() {
    let (publisher, address) = publisher(&["linger=20s"]).await;
    let mut reader = RawSubscriber::of(address, &["D"]);
    seen(&publisher, 1).await;
    for number in 0..200 {
        publisher.send(&topic("D"), Bytes::from(vec![u8::try_from(number).unwrap(); 50_000])).await.unwrap();
    }
    let reading = tokio::task::spawn_blocking(move || {
        for number in 0..200 {
            assert_eq!(reader.event().1, vec![u8::try_from(number).unwrap(); 50_000]);
        }
        assert_eq!(reader.hear(), Heard::End);
    });
    publisher.close().await.unwrap();
    reading.await.unwrap();
    std::net::TcpListener::bind(address).unwrap();
}

#[tokio::test]
async fn a_batch_goes_out_as_its_events_one_by_one() {
    let (publisher, address) = publisher(&[]).await;
    let mut reader = RawSubscriber::of(address, &["a", "b"]);
    seen(&publisher, 2).await;
    let mut batch = Batch::new();
    for number in 0..9000 {
        let name = ["a", "b", "c"][number % 3];
        batch.push(Envelope { topic: topic(name), payload: numbered(number) });
    }
    publisher.send_batch(&mut batch).await.unwrap();
    assert!(batch.is_empty());
    for number in (0..9000).filter(|number| number % 3 < 2) {
        assert_eq!(reader.event(), (["a", "b"][number % 3].to_owned(), numbered(number).to_vec()));
    }
}

#[tokio::test]
async fn a_subscriber_that_states_its_node_is_named_by_it_beside_its_address() {
    let (publisher, address) = publisher(&[]).await;
    let _named = RawSubscriber::of_node(address, "compute-7.example");
    let _odd = RawSubscriber::of_node(address, "two\nlines");
    let _plain = RawSubscriber::of(address, &["D"]);
    let up = || {
        let peers = publisher.status().peers;
        peers.into_iter().filter(|peer| peer.state == "up").map(|peer| peer.endpoint).collect::<Vec<_>>()
    };
    until("three subscribers", || up().len() == 3).await;
    let nodes: Vec<String> =
        up().iter().filter_map(|name| Some(name.split_once(' ')?.1.to_owned())).collect();
    assert_eq!(nodes, ["(compute-7.example)"]);
}
