//! F75, F63 of docs/guarantees.md: publishers and readers of other versions, and stamps that no publisher sends.

use end_to_end::{Folder, History, RawPeer, counter, counters, event, is_event, notice, until};
use serde_json::Value;

use super::packed::{self, Packed, stamp};
use super::raw_publisher::{RawPublisher, contains};
use super::scene::{Scene, reported};

const PUBLISHER: u64 = 0x5f1c_0b5e_2a9d_4c11;

#[test]
fn events_of_a_publisher_that_stamps_nothing_are_delivered_as_they_come() {
    let folder = Folder::new();
    let publisher = RawPublisher::listen();
    let agent =
        folder.agent_launch("agent", publisher.address()).args(["--pattern", "#", "--stamps"]).start();
    publisher.wait_for_subscriber();
    let keys: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    for key in &keys {
        publisher.say(&packed::event(["t", key, "set"], Packed::Text("v"), "D", &[]));
    }
    let wanted: Vec<Value> = keys.iter().map(|key| event("t", key, "set", "v", "D")).collect();
    assert_eq!(agent.wait_for_events(keys.len()), wanted);
    assert_eq!(History::of(&agent.lines()).assert_sound().unstamped(), keys.len());
    assert_eq!(counter(&folder.status("agent"), "delivery", "events_unverified"), keys.len() as u64);
    assert_eq!(reported(&agent, 0, &["gap", "resync", "recovering", "stale"]), [] as [Value; 0]);
}

#[test]
fn a_reader_of_old_gets_two_frames_with_the_five_keys_first() {
    let scene = Scene::new();
    let service = scene.service();
    let mut old = RawPeer::subscriber(service.address(), &["D"]);
    until("it is connected", || {
        let peers = scene.folder.status("service")["parts"]["network"]["peers"].as_array().cloned();
        peers.is_some_and(|peers| peers.iter().any(|peer| peer["state"] == "up")).then_some(())
    });
    scene.folder.publish(&[event("lport", "port-1", "create", "{}", "D")]);
    let map = old.event();
    let five = b"\xa5table\xa5lport\xa3key\xa6port-1\xa6action\xa6create\xa5value\xa2{}\xa5topic\xa1D";
    assert_eq!(map[0] & 0xf0, 0x80, "a small map");
    assert_eq!(&map[1..=five.len()], five);
    assert!(contains(&map[five.len()..], b"\xa5stamp\x94"), "the new pairs come after them");
}

/// Reaches the highest sequence, and then sends what no publisher may send.
#[test]
fn stamps_with_the_largest_numbers_do_not_harm_an_agent() {
    const EPOCH: u64 = 7;
    let folder = Folder::new();
    let publisher = RawPublisher::listen();
    let mut agent =
        folder.agent_launch("agent", publisher.address()).args(["--pattern", "#", "--stamps"]).start();
    publisher.wait_for_subscriber();
    publisher.hello(PUBLISHER, EPOCH);
    let say = |key: &str, parts: Packed<'_>| {
        publisher.say(&packed::event(["t", key, "set"], Packed::Text("v"), "D", &[("stamp", parts)]));
    };
    let high = u64::MAX - 2;
    publisher.is_at(PUBLISHER, EPOCH, high - 1);
    for sequence in high..=u64::MAX {
        say(&format!("{}", u64::MAX - sequence), stamp([PUBLISHER, EPOCH, sequence, 1]));
    }
    let last = |key: &'static str| move |line: &Value| is_event(line) && line["key"] == key;
    agent.wait_for("the event with the highest number", last("0"));
    let history = History::of(&agent.lines()).assert_sound();
    assert_eq!((history.holes().len(), history.stamped()), (1, 3));

    // None of these is an event of that stream: what follows the highest number, no number, no epoch, less than nothing.
    say("wrapped", stamp([PUBLISHER, EPOCH, 0, 1]));
    say("again", stamp([PUBLISHER, EPOCH, u64::MAX, 1]));
    say("no epoch", stamp([PUBLISHER, 0, 1, 1]));
    let negative =
        |number| Packed::Array(vec![Packed::Number(PUBLISHER), number, Packed::Number(9), Packed::Number(1)]);
    say("negative", negative(Packed::Negative(-1)));
    say("text", negative(Packed::Text("7")));
    publisher.say(&packed::event(["t", "fence", "set"], Packed::Text("v"), "D", &[]));
    agent.wait_for("an event without stamp", last("fence"));
    let keys: Vec<Value> = agent.events().iter().map(|event| event["key"].clone()).collect();
    assert_eq!(keys, ["2", "1", "0", "fence"]);
    let status = folder.status("agent");
    let dropped = |cause: &str| {
        let all =
            [counters(&status, "delivery", "events_dropped"), counters(&status, "network", "events_dropped")];
        all.concat().into_iter().filter(|(name, _)| name == cause).map(|(_, count)| count).sum::<u64>()
    };
    assert_eq!((dropped("wrong_type"), dropped("no_number")), (2, 1), "{status}");

    // A later life begins with an invalid number; no publisher can send again what was before it.
    publisher.hang_up();
    publisher.wait_for_subscriber();
    publisher.hello(PUBLISHER, EPOCH + 1);
    publisher.is_at(PUBLISHER, EPOCH + 1, 0);
    say("no number", stamp([PUBLISHER, EPOCH + 1, 0, 1]));
    say("first", stamp([PUBLISHER, EPOCH + 1, 1, 1]));
    agent.wait_for("the first number of the next life", last("first"));
    let _ = History::of(&agent.lines()).assert_sound();
    assert!(agent.lines().iter().any(|line| notice(line) == Some("resync")));
    assert!(agent.is_running());
    assert!(!agent.stderr().contains("panicked"), "{}", agent.stderr());
}
