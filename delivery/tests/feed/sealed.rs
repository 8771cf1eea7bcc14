//! Events that are sealed, at a subscriber that opens them.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use delivery::SyncReplyKind;
use delivery::subscriber::FeedOptions;
use pubsub_api::{Action, Envelope, Event, SEND_ALL, wire};
use sealing::{AcceptedEvents, EventOpener, EventSealer, Keyring, SealedParts};

use crate::SECOND;
use crate::script::{Script, at};

const ENDPOINT: &str = "a";

/// A publisher's keyring with keys of these ids, of which the first is used.
fn keyring(folder: &Path, ids: &[&str]) -> Arc<Keyring> {
    let path = folder.join(ids.join("-"));
    let key = |id: &&str| format!("{id} {}", id.repeat(64));
    let lines = ids.iter().map(key).collect::<Vec<_>>().join("\n").replacen(
        &key(&ids[0]),
        &(key(&ids[0]) + " use"),
        1,
    );
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
    file.write_all(lines.as_bytes()).unwrap();
    Keyring::open(&path).unwrap()
}

/// A subscriber with the keys `a` and `b`, and publishers that seal with them.
struct Scene {
    feed: Script,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(accept: AcceptedEvents) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut feed = Script::new(FeedOptions::default());
        feed.open_with(EventOpener::new(keyring(folder.path(), &["a", "b"]), accept));
        Self { feed, folder }
    }

    /// Live, with events 1 and 2.
    fn live() -> Self {
        let mut scene = Self::new(AcceptedEvents::Sealed);
        scene.feed.hello(ENDPOINT, 7, 1);
        scene.feed.message(scene.sealed("a", 1, "one"));
        scene.feed.message(scene.sealed("b", 2, "two"));
        assert_eq!(scene.feed.received(), ["subscribed a", "live a", "one", "two"]);
        scene
    }

    /// The event of this number, sealed with a key.
    fn sealed(&self, key: &str, number: u64, value: &str) -> Envelope {
        let mut sealer = EventSealer::new(keyring(self.folder.path(), &[key]), SealedParts::Value).unwrap();
        let author =
            wire::encode(&Event::new("t", format!("k{number}"), Action::Set, value, SEND_ALL)).unwrap();
        let plan = sealer.plan(&author).unwrap();
        let mut payload = Vec::new();
        let stamp = [&b"\xa5stamp\x94"[..], &packed(7), &packed(1), &packed(number), &packed(0)].concat();
        sealer.put(&plan, b"D", |out| out.extend_from_slice(&stamp), &mut payload);
        Envelope { topic: SEND_ALL, payload: payload.into() }
    }

    fn dropped(&self) -> u64 {
        self.feed.counter("events_dropped")
    }
}

fn packed(number: u64) -> Vec<u8> {
    [&[0xcf][..], &number.to_be_bytes()].concat()
}

/// With one byte of its encrypted part changed.
fn altered(envelope: &Envelope) -> Envelope {
    let mut payload = envelope.payload.to_vec();
    *payload.last_mut().unwrap() ^= 1;
    Envelope { payload: payload.into(), ..envelope.clone() }
}

fn is_refused(received: &str, cause: &str, events: u64) -> bool {
    received.starts_with("Refused")
        && received.contains(cause)
        && received.contains(&format!("events: {events},"))
}

#[test]
fn a_forged_event_is_dropped_and_the_genuine_one_is_requested() {
    let mut scene = Scene::live();
    scene.feed.message(altered(&scene.sealed("a", 3, "forged")));
    let received = scene.feed.received();
    assert!(received.len() == 1 && is_refused(&received[0], "not_authentic", 1), "{received:?}");
    assert_eq!((scene.feed.positions(), scene.dropped()), (vec![at(1, 2)], 1));
    scene.feed.message(scene.sealed("a", 4, "four"));
    assert_eq!(scene.feed.received(), ["recovering D"]);
    scene.feed.pass(SECOND);
    assert_eq!(scene.feed.asked(), ["a D 1/2"]);
    scene.feed.head(ENDPOINT, 7, SyncReplyKind::Replay { count: 2 }, at(1, 4));
    scene.feed.part_of(ENDPOINT, scene.sealed("a", 3, "three"));
    scene.feed.part_of(ENDPOINT, scene.sealed("a", 4, "four"));
    assert_eq!(scene.feed.received(), ["three replay", "four replay", "live D"]);
    assert_eq!(scene.feed.positions(), [at(1, 4)]);
}

#[test]
fn the_event_of_another_number_or_of_no_seal_is_dropped() {
    let mut scene = Scene::live();
    let mut renumbered = scene.sealed("a", 2, "two").payload.to_vec();
    let place = renumbered.windows(9).position(|part| part == packed(2)).unwrap();
    renumbered[place + 8] = 3;
    scene.feed.message(Envelope { topic: SEND_ALL, payload: renumbered.into() });
    scene.feed.data(7, 1, 3, "not sealed");
    scene.feed.unstamped("not sealed");
    let received = scene.feed.received();
    assert!(is_refused(&received[0], "not_authentic", 1) && is_refused(&received[1], "not_sealed", 1));
    assert_eq!((received.len(), scene.dropped()), (2, 3));
    scene.feed.message(scene.sealed("a", 2, "two"));
    assert_eq!(scene.feed.received(), [""; 0], "a repeat is a duplicate");
    scene.feed.message(scene.sealed("a", 3, "three"));
    assert_eq!(scene.feed.received(), ["three"]);
    // Control messages are not sealed.
    scene.feed.mark(7, 1, 3, None);
    scene.feed.beat(7, 1);
    assert_eq!(scene.feed.received(), [""; 0]);
}

#[test]
fn a_subscriber_that_accepts_any_event_takes_both() {
    let mut scene = Scene::new(AcceptedEvents::Any);
    scene.feed.hello(ENDPOINT, 7, 1);
    scene.feed.message(scene.sealed("a", 1, "sealed"));
    scene.feed.data(7, 1, 2, "plain");
    scene.feed.unstamped("plain");
    assert_eq!(scene.feed.received(), ["subscribed a", "live a", "sealed", "plain", "plain unverified"]);
}

#[test]
fn events_that_wait_for_a_hello_are_opened_once() {
    let mut scene = Scene::new(AcceptedEvents::Sealed);
    scene.feed.message(scene.sealed("a", 1, "one"));
    scene.feed.hello(ENDPOINT, 7, 1);
    assert_eq!(scene.feed.received(), ["subscribed a", "one", "live a"]);
}

#[test]
fn replies_that_cannot_be_opened_end_in_a_resync_and_not_in_a_loop_of_requests() {
    let mut scene = Scene::live();
    scene.feed.mark(7, 1, 4, None);
    let (mut requests, mut received) = (0, Vec::new());
    for _ in 0..600 {
        scene.feed.pass(SECOND / 10);
        scene.feed.beat(7, 1);
        if !scene.feed.asked().is_empty() {
            requests += 1;
            scene.feed.head(ENDPOINT, 7, SyncReplyKind::Replay { count: 2 }, at(1, 4));
            scene.feed.part_of(ENDPOINT, scene.sealed("c", 3, "three"));
            scene.feed.part_of(ENDPOINT, scene.sealed("c", 4, "four"));
        }
        received.extend(scene.feed.received());
    }
    assert!(
        is_refused(&received[1], "unknown_key", 1) && received[1].contains(r#"key \"c\""#),
        "{received:?}"
    );
    received.remove(1);
    assert_eq!(received[..4], ["recovering D", "gap of 2", "resync D", "live D"], "{received:?}");
    assert!((3..6).contains(&requests), "{requests} requests in a minute");
    // The key arrives, and the topic is repaired.
    scene.feed.open_with(EventOpener::new(keyring(scene.folder.path(), &["a", "c"]), AcceptedEvents::Sealed));
    let deadline = Instant::now() + SECOND * 30;
    while !scene.feed.received().contains(&"snapshot of 2".to_owned()) {
        assert!(Instant::now() < deadline, "it is not repaired");
        scene.feed.pass(SECOND);
        scene.feed.beat(7, 1);
        if !scene.feed.asked().is_empty() {
            scene.feed.head(ENDPOINT, 7, SyncReplyKind::Snapshot { count: 2, since: 1 }, at(1, 4));
            scene.feed.part_of(ENDPOINT, scene.sealed("c", 3, "three"));
            scene.feed.part_of(ENDPOINT, scene.sealed("c", 4, "four"));
        }
    }
}

#[test]
fn what_was_given_up_is_requested_at_once_when_the_keyring_changes() {
    let mut scene = Scene::live();
    let keyring = keyring(scene.folder.path(), &["a", "b"]);
    scene.feed.open_with(EventOpener::new(Arc::clone(&keyring), AcceptedEvents::Sealed));
    scene.feed.mark(7, 1, 3, None);
    let mut received = Vec::new();
    while !received.contains(&"resync D".to_owned()) {
        scene.feed.pass(SECOND / 10);
        scene.feed.beat(7, 1);
        if !scene.feed.asked().is_empty() {
            scene.feed.head(ENDPOINT, 7, SyncReplyKind::Replay { count: 1 }, at(1, 3));
            scene.feed.part_of(ENDPOINT, scene.sealed("c", 3, "three"));
        }
        received.extend(scene.feed.received());
    }
    let with_c = std::fs::read(self::keyring(scene.folder.path(), &["a", "c"]).path()).unwrap();
    std::fs::write(keyring.path(), with_c).unwrap();
    let now = Instant::now();
    (1..4).for_each(|look| keyring.refresh(now + look * Keyring::LOOK));
    for _ in 0..60 {
        scene.feed.pass(SECOND / 10);
        scene.feed.beat(7, 1);
    }
    assert_eq!(scene.feed.asked(), ["a D 0/0"], "all rows, since the stream has gone on");
}

#[test]
fn a_key_that_arrives_a_second_later_costs_nothing() {
    let mut scene = Scene::live();
    scene.feed.message(scene.sealed("c", 3, "three"));
    scene.feed.mark(7, 1, 3, None);
    scene.feed.pass(SECOND / 10);
    assert_eq!(scene.feed.asked(), ["a D 1/2"]);
    scene.feed.head(ENDPOINT, 7, SyncReplyKind::Replay { count: 1 }, at(1, 3));
    scene.feed.part_of(ENDPOINT, scene.sealed("c", 3, "three"));
    scene.feed.open_with(EventOpener::new(keyring(scene.folder.path(), &["a", "c"]), AcceptedEvents::Sealed));
    scene.feed.pass(SECOND * 2);
    assert_eq!(scene.feed.asked(), ["a D 1/2"]);
    scene.feed.head(ENDPOINT, 7, SyncReplyKind::Replay { count: 1 }, at(1, 3));
    scene.feed.part_of(ENDPOINT, scene.sealed("c", 3, "three"));
    let received = scene.feed.received();
    assert_eq!(received[1..], ["recovering D", "three replay", "live D"], "{received:?}");
}

#[test]
fn a_snapshot_without_some_rows_is_no_complete_one_and_a_resync_follows() {
    let mut scene = Scene::live();
    scene.feed.mark(7, 1, 9, None);
    let mut received = Vec::new();
    for _ in 0..100 {
        scene.feed.pass(SECOND / 10);
        scene.feed.beat(7, 1);
        if !scene.feed.asked().is_empty() {
            scene.feed.head(ENDPOINT, 7, SyncReplyKind::Snapshot { count: 2, since: 1 }, at(1, 9));
            scene.feed.part_of(ENDPOINT, scene.sealed("c", 3, "three"));
            scene.feed.part_of(ENDPOINT, scene.sealed("a", 4, "four"));
        }
        received.extend(scene.feed.received());
    }
    received.retain(|received| !received.starts_with("Refused"));
    assert_eq!(received, ["recovering D", "incomplete snapshot of 1", "live D", "resync D"]);
}
