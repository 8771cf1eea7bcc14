//! Frames that are no events, from either side: counted by cause, dropped, and nobody else is harmed.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

mod bad_messages;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use end_to_end::{Folder, Program, counters, event, is_event, key_of, notice, until};
use serde_json::Value;
use zeromq::{PubSocket, PushSocket, Socket, SocketSend, ZmqMessage};

use bad_messages::{Bad, Where, bad_messages, good, map, pairs, text};

fn message(frames: &[Vec<u8>]) -> ZmqMessage {
    let frames: Vec<Bytes> = frames.iter().map(|frame| Bytes::from(frame.clone())).collect();
    ZmqMessage::try_from(frames).expect("a message has frames")
}

/// Asserts that a status counts each bad message once, under its cause, and nothing else.
fn assert_counted(status: &Value, part: &str, name: &str, bad: &[Bad], at: &[Where]) {
    let mut wanted: Vec<(String, u64)> = Vec::new();
    for Bad { cause, .. } in bad.iter().filter(|bad| at.contains(&bad.at)) {
        match wanted.iter_mut().find(|(known, _)| known == cause) {
            Some((_, count)) => *count += 1,
            None => wanted.push(((*cause).to_owned(), 1)),
        }
    }
    wanted.sort();
    assert_eq!(counters(status, part, name), wanted, "{part} {name}: {status}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn keys(agent: &Program) -> Vec<String> {
    agent.events().iter().map(|event| key_of(event).1).collect()
}

async fn connect(socket: &Path) -> PushSocket {
    let mut peer = PushSocket::new();
    peer.connect(&format!("ipc://{}", socket.display())).await.expect("the service listens");
    peer
}

#[test]
fn messages_of_workers_that_are_not_events_are_counted_and_dropped_and_affect_no_other() {
    let folder = Folder::new();
    let mut service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let mut other = folder.worker("other");
    let bad = bad_messages();
    let runtime = runtime();
    let mut peer = runtime.block_on(connect(&folder.socket()));
    let mut send = |frames: &[Vec<u8>]| runtime.block_on(peer.send(message(frames))).expect("still linked");
    for (number, one) in bad.iter().enumerate() {
        send(&one.frames);
        send(&good(&format!("peer-{number}")));
        other.write_line(&event("lport", &format!("other-{number}"), "set", "value", "D").to_string());
    }

    let came = agent.wait_for_events(2 * bad.len());
    for name in ["peer", "other"] {
        let of_name = came.iter().map(|event| key_of(event).1).filter(|key| key.starts_with(name));
        assert!(
            of_name.eq((0..bad.len()).map(|number| format!("{name}-{number}"))),
            "{name}: {:?}",
            keys(&agent)
        );
    }
    let status = folder.status("service");
    assert_counted(&status, "ipc", "frames_dropped", &bad, &[Where::Frames]);
    assert_counted(&status, "service", "events_dropped", &bad, &[Where::Map, Where::Admission]);
    assert_eq!(counters(&status, "ipc", "peers_left"), [(String::new(), 0)], "no connection ended: {status}");
    assert!(service.is_running());
    assert!(came.iter().all(|event| event["action"] == "set"), "no sync to the fleet");
    assert_eq!(agent.notices_but_live(), ["ready", "link_up", "subscribed"]);
    let reported = service.stderr();
    assert!(
        reported.contains("dropped an event") && reported.contains("not_a_map"),
        "it is logged:\n{reported}"
    );
}

#[test]
fn a_flood_of_junk_is_logged_at_a_limited_rate_and_good_events_pass() {
    const JUNK: usize = 5_000;
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let runtime = runtime();
    runtime.block_on(async {
        let mut peer = connect(&folder.socket()).await;
        let junk = message(&[b"D".to_vec(), b"junk".to_vec()]);
        for _ in 0..JUNK {
            peer.send(junk.clone()).await.expect("still linked");
        }
        peer.send(message(&good("last"))).await.expect("still linked");
        until_published(&folder).await;
    });
    assert_eq!(agent.wait_for_events(1).len(), 1);
    let status = folder.status("service");
    assert_eq!(counters(&status, "service", "events_dropped"), [("not_a_map".to_owned(), JUNK as u64)]);
    let lines = service.stderr().lines().filter(|line| line.contains("not_a_map")).count();
    assert!(lines <= 60, "{lines} lines about {JUNK} events");
}

/// Keeps the peer's tasks alive until the service has its event.
async fn until_published(folder: &Folder) {
    tokio::task::block_in_place(|| {
        until("the last event at the service", || {
            (end_to_end::counter(&folder.status("service"), "service", "events_published") == 1).then_some(())
        })
    });
}

#[test]
fn connections_that_end_in_the_middle_of_a_greeting_or_an_event_affect_no_other_peer() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    // Greeting and READY of a PUSH, ZMTP 3.0 (rfc.zeromq.org/spec/23), then an event of which a part is missing.
    let mut greeting = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0];
    greeting.extend(b"NULL");
    greeting.resize(64, 0);
    let ready = [&[4, 26, 5][..], b"READY\x0bSocket-Type\0\0\0\x04PUSH"].concat();
    let whole = [&greeting[..], &ready, &[1, 1, b'D', 0, 200], b"the first of two hundred bytes"].concat();
    for length in [0, 1, 10, 63, 64, 70, whole.len() - 33, whole.len() - 31, whole.len()] {
        let mut stream = UnixStream::connect(folder.socket()).expect("the service listens");
        stream.write_all(whole.get(..length).expect("a part")).expect("it is taken");
        // Long enough for the greeting to be read where the machine has time; the outcome must not depend on it.
        stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
        let mut answer = [0; 64];
        let _ = std::io::Read::read(&mut stream, &mut answer);
    }
    for line in ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\u{0}\u{1}\u{2}\u{3}"] {
        let mut stream = UnixStream::connect(folder.socket()).expect("the service listens");
        stream.write_all(line.as_bytes()).expect("it is taken");
    }
    folder.publish(&[event("lport", "after", "set", "value", "D")]);
    agent.wait_for_events(1);
    assert_eq!(keys(&agent), ["after"]);
    assert_eq!(agent.notices_but_live(), ["ready", "link_up", "subscribed"]);
}

#[test]
fn messages_of_a_publisher_that_are_not_events_are_counted_and_dropped_and_the_link_stays() {
    let folder = Folder::with_settings("dead_after = \"1h\"");
    let bad: Vec<Bad> = bad_messages().into_iter().filter(|bad| bad.at != Where::Admission).collect();
    let runtime = runtime();
    let mut publisher = runtime.block_on(async { PubSocket::new() });
    let endpoint = runtime.block_on(publisher.bind("tcp://127.0.0.1:0")).expect("a port").to_string();
    let address = endpoint.trim_start_matches("tcp://").to_owned();
    let agent = folder.agent_launch("agent", &address).args(["--pattern", "#"]).start();
    let mut send = |frames: &[Vec<u8>]| runtime.block_on(publisher.send(message(frames))).expect("published");
    let mut hello = pairs("fake", "$hello");
    hello[2].1 = text("hello");
    let hello = [b"$hello".to_vec(), map(&hello)];
    until("the agent's subscription", || {
        send(&hello);
        agent.lines().iter().any(|line| notice(line) == Some("subscribed")).then_some(())
    });
    for (number, one) in bad.iter().enumerate() {
        send(&one.frames);
        send(&good(&number.to_string()));
    }
    let came = agent.wait_for_events(bad.len());
    assert!(came.iter().map(|event| key_of(event).1).eq((0..bad.len()).map(|number| number.to_string())));
    let status = folder.status("agent");
    assert_counted(&status, "network", "frames_dropped", &bad, &[Where::Frames]);
    assert_counted(&status, "delivery", "events_dropped", &bad, &[Where::Map]);
    assert_eq!(agent.notices_but_live(), ["ready", "link_up", "subscribed"]);
    assert!(agent.lines().iter().skip(3).all(is_event));
}

#[test]
fn other_encodings_of_valid_events_are_accepted() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let binary = |text: &str| [&[0xc4, u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    let mut as_bytes = pairs("bytes", "D");
    as_bytes[1].1 = binary("bytes");
    as_bytes[4].1 = binary("D");
    let mut reversed = pairs("reversed", "D");
    reversed.reverse();
    let mut more = pairs("more", "D");
    more.push(("of-the-future", vec![0x92, 1, 2]));
    let mut nil_topic = pairs("nil topic", "D");
    nil_topic[4].1 = vec![0xc0];
    let no_topic: Vec<_> = pairs("no topic", "D").into_iter().take(4).collect();
    let mut sync = pairs("", "D");
    for (field, value) in [(0, vec![0xc0]), (1, vec![0xc0]), (2, text("sync")), (3, vec![0xc0])] {
        sync[field].1 = value;
    }
    let foreign = [as_bytes, reversed, more, nil_topic, no_topic, sync];
    let runtime = runtime();
    let mut peer = runtime.block_on(connect(&folder.socket()));
    for pairs in &foreign {
        runtime.block_on(peer.send(message(&[b"D".to_vec(), map(pairs)]))).expect("linked");
    }
    let came = agent.wait_for_events(foreign.len());
    let mut wanted: Vec<Value> = ["bytes", "reversed", "more", "nil topic", "no topic"]
        .map(|key| event("lport", key, "set", "value", "D"))
        .to_vec();
    wanted
        .push(serde_json::json!({"table": null, "key": null, "action": "sync", "value": null, "topic": "D"}));
    assert_eq!(came, wanted);
}
