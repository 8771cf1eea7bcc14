//! Subscribers that do not read: the others get everything, the service stays within its ring, and a subscriber that
//! returns is notified.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use end_to_end::{
    Folder, Program, RawPeer, Signal, counter, counters, event, is_event, key_of, need_descriptors, notice,
    until,
};
use serde_json::Value;

const MIB: u64 = 1024 * 1024;
const RING_MIB: u64 = 4;

/// More than a ring, and what the kernel keeps for a connection of this host.
const EVENTS: usize = 1200;

/// What is published before the next is, at most: a part of a ring.
const STEP: usize = 100;

fn settings() -> String {
    format!("[drivers.zmtp]\nfanout_log_bytes = \"{RING_MIB}MiB\"")
}

/// Some 12 MiB.
fn large_events() -> Vec<Value> {
    let value = "x".repeat(10_000);
    (0..EVENTS).map(|number| event("t", &number.to_string(), "set", value.as_str(), "D")).collect()
}

/// Within the ring and what the allocator may keep besides.
fn assert_bounded(service: &Program, before: u64) {
    let grown = service.memory_bytes().saturating_sub(before);
    assert!(grown <= (RING_MIB + 16) * MIB, "the service has grown by {grown} bytes");
}

#[test]
fn a_paused_agent_does_not_affect_the_others_and_converges_when_it_continues() {
    let folder = Folder::with_settings(&settings());
    let service = folder.service();
    let stopped = folder.subscribed_agent("stopped", &service);
    let others = ["one", "two", "three"].map(|name| folder.subscribed_agent(name, &service));
    let before = service.memory_bytes();
    stopped.signal(Signal::STOP);
    let events = large_events();
    let mut worker = folder.worker("worker");
    // As fast as the others read, and no faster: otherwise the machine would decide which subscriber is slow.
    for until in (STEP..=EVENTS).step_by(STEP) {
        events[until - STEP..until].iter().for_each(|event| worker.write_line(&event.to_string()));
        others.iter().for_each(|other| drop(other.wait_for_count(0, until, "what was published", is_event)));
    }
    for other in &others {
        assert_eq!(other.wait_for_events(EVENTS), events, "nothing is missing, nothing is out of order");
        assert!(!other.notices().iter().any(|name| name == "gap" || name == "link_down"));
    }
    assert_bounded(&service, before);
    // It is found dead, or has fallen off the ring: the service keeps nothing more for it.
    until("the stopped agent is given up", || {
        let status = folder.status("service");
        let refused = counters(&status, "network", "peers_refused");
        let dead = refused.iter().any(|(cause, count)| cause == "dead" && *count > 0);
        (dead || counter(&status, "network", "events_dropped") > 0).then_some(())
    });

    let mark = stopped.mark();
    stopped.signal(Signal::CONT);
    until("an event of those published after it went on", || {
        folder.publish(&[event("t", &EVENTS.to_string(), "set", "last", "D")]);
        stopped.lines().iter().skip(mark).any(|line| key(line) == Some(EVENTS)).then_some(())
    });
    assert_holes_are_reported(&stopped.lines());
}

fn key(line: &Value) -> Option<usize> {
    is_event(line).then(|| key_of(line).1.parse().expect("a number"))
}

/// Between two events that do not follow each other stands a notice.
fn assert_holes_are_reported(lines: &[Value]) {
    let (mut next, mut reported) = (0, false);
    for line in lines {
        match key(line) {
            Some(key) => {
                assert!(
                    key == next || key + 1 == next || reported,
                    "{next} to {key} are missing, and not reported"
                );
                (next, reported) = (key + 1, false);
            }
            None => reported |= matches!(notice(line), Some("gap" | "link_down")),
        }
    }
}

#[test]
fn stalling_a_tenth_of_the_subscribers_does_not_affect_the_others() {
    const SUBSCRIBERS: usize = 200;
    const STALLED: usize = 20;
    need_descriptors(1000);
    let folder = Folder::with_settings(&settings());
    let service = folder.service();
    let mut subscribers: Vec<RawPeer<TcpStream>> =
        (0..SUBSCRIBERS).map(|_| RawPeer::subscriber(service.address(), &["D"])).collect();
    until_subscribed(&folder, &mut subscribers);
    let before = service.memory_bytes();
    let healthy = subscribers.split_off(STALLED);
    let mut worker = folder.worker("worker");
    let read = AtomicUsize::new(0);
    thread::scope(|scope| {
        let read_all = |peer| read_all(peer, &read);
        let reading: Vec<_> = healthy.into_iter().map(|peer| scope.spawn(move || read_all(peer))).collect();
        for (number, event) in large_events().iter().enumerate() {
            worker.write_line(&event.to_string());
            if (number + 1) % STEP == 0 {
                let due = (number + 1) * (SUBSCRIBERS - STALLED);
                until("the others have read", || (read.load(Ordering::Relaxed) == due).then_some(()));
            }
        }
        let _healthy: Vec<_> = reading.into_iter().map(|reading| reading.join().expect("all came")).collect();
        assert_bounded(&service, before);
    });
    let status = folder.status("service");
    assert_eq!(counters(&status, "network", "peers_refused"), [], "nobody is thrown out: {status}");
    assert!(counter(&status, "network", "events_dropped") >= STALLED as u64, "{status}");

    // The newest of the stalled reads on: a Dragonflow reader learns by a sync that something is missing.
    let mut stalled = subscribers.pop().expect("twenty");
    while !contains(&stalled.event(), b"\xa6action\xa4sync") {}
}

/// A probe reaches each of them: so each has subscribed.
fn until_subscribed(folder: &Folder, subscribers: &mut [RawPeer<TcpStream>]) {
    until("all have subscribed", || {
        let status = folder.status("service");
        let up = status["parts"]["network"]["peers"]
            .as_array()
            .map(|peers| peers.iter().filter(|peer| peer["state"] == "up").count());
        (up == Some(subscribers.len())).then_some(())
    });
    folder.publish(&[event("t", "probe", "set", "v", "D")]);
    for subscriber in subscribers {
        assert!(contains(&subscriber.event(), b"probe"));
    }
}

fn read_all(mut subscriber: RawPeer<TcpStream>, read: &AtomicUsize) -> RawPeer<TcpStream> {
    for number in 0..EVENTS {
        let map = subscriber.event();
        let key = number.to_string();
        let packed =
            [b"\xa3key", &[0xa0 | u8::try_from(key.len()).expect("short")][..], key.as_bytes()].concat();
        assert!(contains(&map[..map.len().min(40)], &packed), "event {number} is not at its place");
        read.fetch_add(1, Ordering::Relaxed);
    }
    subscriber
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
