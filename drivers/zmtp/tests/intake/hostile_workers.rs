//! Peers that are no workers, and hostile workers: each is closed with its cause, and the others are served.

use drivers_zmtp::protocol::{Command, Greeting, Mechanism, SocketType};

use super::raw_worker::{RawWorker, command, event, hello_of_a_push};
use super::service::{Service, until};

fn in_greeting(at: usize, byte: u8) -> Vec<u8> {
    let mut hello = hello_of_a_push();
    hello[at] = byte;
    hello
}

fn after_greeting(bytes: &[u8]) -> Vec<u8> {
    [&hello_of_a_push()[..64], bytes].concat()
}

fn after_ready(bytes: &[u8]) -> Vec<u8> {
    [&hello_of_a_push(), bytes].concat()
}

#[tokio::test]
async fn wrong_bytes_close_the_connection_by_their_cause_and_harm_nobody() {
    let service = Service::start(&[]).await;
    let mut good = RawWorker::greeted(&service.socket()).await;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("bad_signature", b"GET / HTTP/1.1\r\nHost: service\r\n\r\n".to_vec()),
        ("bad_signature", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("bad_signature", b"\0\0\0\0".to_vec()),
        ("old_version", in_greeting(10, 1)),
        ("old_version", in_greeting(10, 2)),
        ("wrong_mechanism", in_greeting(12, b'P')),
        ("wrong_socket_type", after_greeting(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB")),
        ("wrong_socket_type", after_greeting(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB")),
        ("not_ready", after_greeting(b"\0\x02\x01D")),
        ("frame_too_long", after_greeting(b"\x06\0\0\x01\0\0\0\0\0")),
        ("frame_too_long", after_ready(b"\x02\0\0\x01\0\0\0\0\0")),
        ("frame_too_long", after_ready(b"\x02\0\0\0\x02\0\0\0\0")),
        ("frame_too_long", after_ready(b"\x02\x80\0\0\0\0\0\0\0")),
        ("frame_too_long", after_ready(b"\x01\x01D\x02\0\0\x01\0\0\0\0\0")),
        ("too_many_frames", after_ready(&b"\x01\x01x".repeat(17))),
        ("bad_flags", after_ready(b"\x10\0")),
        ("bad_command", after_ready(b"\x04\0")),
        ("command_in_message", after_ready(b"\x01\x01D\x04\x05\x04PONG")),
    ];
    for (cause, bytes) in cases {
        let before = service.refused(cause);
        let mut hostile = RawWorker::silent(&service.socket());
        hostile.say(&bytes);
        hostile.until_closed().await;
        let counted = || service.refused(cause) == before + 1;
        until(&format!("{cause} is counted for {bytes:02x?}"), counted).await;
    }
    good.say(&event("still here"));
    assert_eq!(service.take(1).await, ["still here"]);
}

/// As libzmq does, which leaves without a word once it has our whole greeting.
#[tokio::test]
async fn a_worker_that_greets_in_stages_is_named_by_its_version_or_mechanism_before_it_sees_ours() {
    let service = Service::start(&[]).await;
    let mut old = Greeting::encode(Mechanism::Null).to_vec();
    old[10] = 1;
    old.truncate(12);
    let mechanism = |mechanism| Greeting::encode(mechanism).to_vec();
    for (cause, greeting) in [
        ("old_version", old),
        ("wrong_mechanism", mechanism(Mechanism::Plain)),
        ("wrong_mechanism", mechanism(Mechanism::Curve)),
    ] {
        let before = service.refused(cause);
        let mut peer = RawWorker::silent(&service.socket());
        peer.say(&greeting[..10]);
        let mut peer = peer.goes_on_until(|arrived| arrived.len() >= 11).await;
        peer.say(&greeting[10..]);
        let heard = peer.until_closed().await;
        assert_eq!(heard, Greeting::encode(Mechanism::Null)[..11], "{cause}: it sees no more of ours");
        until(&format!("{cause} is counted"), || service.refused(cause) == before + 1).await;
    }
    assert_eq!(service.refused("left_in_handshake"), 0);
}

/// The crate `rzmq` does so by default.
#[tokio::test]
async fn a_dealer_may_put_an_empty_frame_before_each_event_and_a_push_may_not() {
    let service = Service::start(&[]).await;
    let with_delimiter = [&b"\x01\0"[..], &event("from a DEALER")].concat();
    let mut dealer = RawWorker::greeted_as(&service.socket(), SocketType::Dealer).await;
    dealer.say(&with_delimiter);
    assert_eq!(service.take(1).await, ["from a DEALER"]);
    dealer.say(&event("without"));
    assert_eq!(service.take(1).await, ["without"]);
    assert_eq!(service.dropped("frame_count"), 0);
    let mut push = RawWorker::greeted(&service.socket()).await;
    push.say(&[&with_delimiter[..], &event("from a PUSH")].concat());
    assert_eq!(service.take(1).await, ["from a PUSH"]);
    assert_eq!(service.dropped("frame_count"), 1);
}

#[tokio::test]
async fn a_message_that_is_no_event_is_stepped_over_and_the_next_one_comes() {
    let service = Service::start(&[]).await;
    let mut worker = RawWorker::greeted(&service.socket()).await;
    worker.say(&event("before"));
    worker.say(b"\0\x03one");
    worker.say(&[&b"\x01\x01x".repeat(15)[..], b"\0\x01x"].concat());
    worker.say(&event("after"));
    assert_eq!(service.take(2).await, ["before", "after"]);
    assert_eq!(service.dropped("frame_count"), 2);
}

#[tokio::test]
async fn a_worker_that_leaves_within_an_event_loses_that_one_and_no_other() {
    let whole = [event("one"), event("two")].concat();
    let third = event("three");
    for cut in 1..third.len() {
        let service = Service::start(&[]).await;
        let mut worker = RawWorker::greeted(&service.socket()).await;
        worker.say(&[&whole, &third[..cut]].concat());
        drop(worker);
        assert_eq!(service.take(2).await, ["one", "two"], "cut at {cut}");
        until("it is counted", || service.dropped("cut_off") == 1).await;
    }
}

#[tokio::test]
async fn a_worker_that_leaves_between_events_or_in_its_handshake_loses_nothing() {
    let service = Service::start(&[]).await;
    let hello = hello_of_a_push();
    for length in [0, 1, 20, 64, hello.len() - 1] {
        RawWorker::silent(&service.socket()).say(&hello[..length]);
    }
    let mut worker = RawWorker::greeted(&service.socket()).await;
    worker.say(&event("whole"));
    drop(worker);
    assert_eq!(service.take(1).await, ["whole"]);
    until("all have left", || service.status().counter("peers_left", None) == 6).await;
    assert_eq!(service.dropped("cut_off"), 0);
}

#[tokio::test]
async fn what_was_written_counts_though_its_worker_is_gone_before_it_is_answered() {
    let service = Service::start(&[]).await;
    let ping = command(&Command::Ping { ttl: 0, context: b"who hears this?" });
    for round in 0..50 {
        let mut worker = RawWorker::greeted(&service.socket()).await;
        worker.say(&[&ping, &event("one")[..], &ping, &event("two")].concat());
        drop(worker);
        assert_eq!(service.take(2).await, ["one", "two"], "round {round}");
    }
}

#[tokio::test]
async fn the_oldest_incomplete_handshake_ends_for_one_too_many() {
    const SLOW: usize = 1000;
    let service = Service::start(&["drivers.zmtp.handshake_timeout=60s"]).await;
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut worker = RawWorker::silent(&service.socket());
        worker.say(&hello_of_a_push()[..20]);
        slow.push(worker);
        // The backlog is bounded, and the task that accepts shares this test's thread.
        tokio::task::yield_now().await;
    }
    let mut quick = RawWorker::greeted(&service.socket()).await;
    quick.say(&event("in"));
    assert_eq!(service.take(1).await, ["in"]);
    until("the others were closed", || service.refused("too_many_handshakes") >= (SLOW - 256) as u64).await;
    slow.remove(0).until_closed().await;
    let waiting = || service.status().peers.iter().filter(|peer| peer.state == "connecting").count();
    until("their places are free", || waiting() <= 256).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_handshake_is_complete_is_never_ended_for_another() {
    const ROUNDS: usize = 300;
    let service = Service::start(&["drivers.zmtp.max_handshakes=1"]).await;
    let mut workers = Vec::new();
    for _ in 0..ROUNDS {
        workers.push(RawWorker::greeted(&service.socket()).await);
    }
    for (number, worker) in workers.iter_mut().enumerate() {
        worker.say(&event(&number.to_string()));
        assert_eq!(service.take(1).await, [number.to_string()]);
    }
    assert_eq!(service.refused("too_many_handshakes"), 0);
}

#[tokio::test]
async fn a_peer_that_does_not_complete_its_handshake_in_time_is_closed() {
    let service = Service::start(&["drivers.zmtp.handshake_timeout=300ms"]).await;
    let hello = hello_of_a_push();
    for length in [0, 1, 63, 64, hello.len() - 1] {
        let mut worker = RawWorker::silent(&service.socket());
        worker.say(&hello[..length]);
        worker.until_closed().await;
    }
    until("they are counted", || service.refused("handshake_timeout") == 5).await;
}

#[tokio::test]
async fn connections_are_bounded() {
    let service = Service::start(&["drivers.zmtp.max_connections=2"]).await;
    let _two = [RawWorker::greeted(&service.socket()).await, RawWorker::greeted(&service.socket()).await];
    RawWorker::silent(&service.socket()).until_closed().await;
    assert_eq!(service.refused("too_many_connections"), 1);
}

#[tokio::test]
async fn a_worker_that_ipc_allow_does_not_name_is_closed_before_a_word_of_it_counts() {
    let service = Service::start(&["drivers.zmtp.ipc_allow=uid:4000000000,gid:4000000000"]).await;
    let mut stranger = RawWorker::silent(&service.socket());
    stranger.say(&[hello_of_a_push(), event("not from you")].concat());
    assert_eq!(stranger.until_closed().await, b"", "it is not even greeted");
    until("it is counted", || service.refused("credentials") == 1).await;
    assert_eq!(service.status().counter("events_received", None), 0);

    let own = rustix::process::geteuid().as_raw();
    let service = Service::start(&[&format!("drivers.zmtp.ipc_allow=uid:{own}")]).await;
    RawWorker::greeted(&service.socket()).await.say(&event("from you"));
    assert_eq!(service.take(1).await, ["from you"]);
}

#[tokio::test]
async fn a_flood_of_pings_whose_answers_are_not_taken_is_bounded_and_hinders_nobody() {
    let service = Service::start(&[]).await;
    let mut flood = RawWorker::greeted_as(&service.socket(), SocketType::Dealer).await;
    let pings = command(&Command::Ping { ttl: 0, context: b"0123456789abcdef" }).repeat(20_000);
    let flooding = tokio::task::spawn_blocking(move || {
        for _ in 0..20 {
            flood.say(&pings);
        }
        flood.say(&event("at last"));
        flood
    });
    let mut other = RawWorker::greeted(&service.socket()).await;
    for number in 0..50 {
        other.say(&event(&number.to_string()));
    }
    let wanted: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let mut came = Vec::new();
    while came.len() < 51 {
        came.extend(service.batch().await);
    }
    assert!(came.contains(&"at last".to_owned()));
    came.retain(|payload| payload != "at last");
    assert_eq!(came, wanted);
    drop(flooding.await.unwrap());
}
