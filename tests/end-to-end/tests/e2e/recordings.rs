//! `skimmer record`, `skimmer replay` and `skimmer demo --recording`.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use delivery::subscriber::DeliveryMode;
use end_to_end::{Folder, Launch, Program, Service, Signal, change_log, event, key_of, until};
use pubsub_api::{Action, Envelope, Event, Topic, Value};
use recording::{RecordedItem, Recorder, Recording, unstamped};

/// A recorder at a service, which receives every event that is published from now on.
fn recorder(folder: &Folder, service: &Service, file: &Path, more: &[&str]) -> Program {
    let file = file.display().to_string();
    let command = [&["record", &file], more].concat();
    let recorder = folder.skimmer(&command).set("publishers_ips", service.address()).start();
    until("the recorder is subscribed", || recorder.stderr().contains("\"subscribed\"").then_some(()));
    recorder
}

fn replay(folder: &Folder, file: &Path, more: &[&str]) -> Launch {
    folder.skimmer(&[&["replay", &file.display().to_string()], more].concat())
}

fn lines(folder: &Folder, file: &Path, more: &[&str]) -> Vec<serde_json::Value> {
    replay(folder, file, &[&["--output", "jsonl", "--speed", "max"], more].concat()).run().expect(0).lines()
}

/// A recording of events, each with the second in which it came.
fn made(folder: &Folder, events: &[(u64, Envelope)]) -> PathBuf {
    let path = folder.path().join("made.mcap");
    let mut recorder = Recorder::create(&path).expect("a new file");
    for (second, envelope) in events {
        recorder.record_event(second * 1_000_000_000, DeliveryMode::Live, envelope).expect("room");
    }
    recorder.finish().expect("room");
    path
}

fn packed(table: &str, key: &str, topic: &str) -> Envelope {
    let topic = Topic::new(topic.to_owned()).expect("a topic");
    Envelope::pack(&Event::new(table, key, Action::Set, "v", topic)).expect("a small event")
}

fn payloads(file: &Path) -> Vec<Bytes> {
    let entries = Recording::open(file).expect("a recording").map(|entry| entry.expect("no damage").entry);
    let payload = |entry| match entry {
        RecordedItem::Event { envelope, .. } => Some(unstamped(&envelope.payload).expect("a map")),
        RecordedItem::Notice(_) => None,
    };
    entries.filter_map(payload).collect()
}

#[test]
fn what_is_recorded_at_one_service_is_replayed_into_another_in_the_same_order() {
    let (here, there) = (Folder::new(), Folder::new());
    let service = here.service();
    let file = here.path().join("day.mcap");
    let events: Vec<_> = change_log().into_iter().take(500).collect();
    let mut recorder = recorder(&here, &service, &file, &["--count", "500"]);
    here.publish(&events);
    assert_eq!(recorder.wait_for_end().code(), Some(0), "{}", recorder.stderr());
    assert!(recorder.stderr().contains("recorded 500 events"), "{}", recorder.stderr());

    let other = there.service();
    let agent = there.subscribed_agent("agent", &other);
    let ended = replay(&there, &file, &["--speed", "max"]).run().expect(0);
    assert!(ended.last_words().contains("500 events"), "{}", ended.stderr);
    let ended = ended.says(&["500 of them confirmed; refused 0;"]);
    assert!(!ended.stderr.contains("killed"), "the recording is complete: {}", ended.stderr);
    assert_eq!(agent.wait_for_events(500), events);
}

#[test]
fn the_bytes_of_an_event_are_replayed_as_they_were_but_for_the_stamp() {
    let folder = Folder::new();
    let service = folder.service();
    let unknown_key =
        [&b"\x86"[..], &packed("t", "k", "D").payload[1..], b"\xa5color\xc4\x03\x00\xff\x80"].concat();
    let unknown_key = Envelope { topic: pubsub_api::SEND_ALL, payload: unknown_key.into() };
    let value = Value::Other(Bytes::from_static(b"\x82\x01\xc3\xa1a\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"));
    let of_value = Event { value, ..Event::new("t", "k", Action::Set, None, pubsub_api::SEND_ALL) };
    let of_value = Envelope::pack(&of_value).expect("a small event");
    let versioned =
        Event { version: Some(7), ..Event::new("t", "k", Action::Set, "v", pubsub_api::SEND_ALL) };
    let versioned = Envelope::pack(&versioned).expect("a small event");
    let all = [unknown_key, of_value, versioned].map(|envelope| (1, envelope));
    let first = made(&folder, &all);

    let second = folder.path().join("second.mcap");
    let mut recorder = recorder(&folder, &service, &second, &["--count", "3"]);
    let _ = replay(&folder, &first, &["--speed", "max"]).run().expect(0);
    assert_eq!(recorder.wait_for_end().code(), Some(0), "{}", recorder.stderr());
    let wanted: Vec<Bytes> = all.into_iter().map(|(_, envelope)| envelope.payload).collect();
    assert_eq!(payloads(&second), wanted);
}

#[test]
fn a_recording_is_readable_while_it_is_written_and_after_its_recorder_was_killed() {
    let folder = Folder::new();
    let service = folder.service();
    let file = folder.path().join("killed.mcap");
    let mut recorder = recorder(&folder, &service, &file, &[]);
    let events: Vec<_> = (0..50).map(|n| event("t", &n.to_string(), "set", "v", "D")).collect();
    folder.publish(&events);
    until("the events are in the file", || (lines(&folder, &file, &[]).len() == 50).then_some(()));
    let ended = replay(&folder, &file, &["--output", "jsonl", "--speed", "max"]).run().expect(0);
    let _ = ended.says(&["its recorder was killed, or still writes"]);
    folder.publish(&[event("t", "later", "set", "v", "D")]);
    until("a later event is in the file", || (lines(&folder, &file, &[]).len() == 51).then_some(()));
    recorder.kill();
    assert_eq!(lines(&folder, &file, &[]).len(), 51);

    let whole = fs::read(&file).expect("a recording");
    let within_last_chunk = whole.windows(5).position(|part| part == b"later").expect("the last key");
    fs::write(&file, &whole[..within_last_chunk]).expect("it is ours");
    let ended = replay(&folder, &file, &["--output", "jsonl", "--speed", "max"]).run().expect(0);
    assert_eq!(ended.lines().len(), 50, "the last chunk is cut off");
    let _ = ended.says(&["within the record at byte"]);
}

#[test]
fn damage_is_an_error_with_its_place_after_what_precedes_it() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let file = made(&folder, &[(1, packed("t", "one", "D"))]);
    let mut bytes = fs::read(&file).expect("a recording");
    let place = bytes.windows(3).position(|part| part == b"one").expect("the key");
    bytes[place] ^= 1;
    fs::write(&file, bytes).expect("it is ours");
    let ended = replay(&folder, &file, &["--speed", "max"]).run().expect(1);
    let _ = ended.says(&["damaged", "at byte", "wrong checksum", "replayed 0 events"]);
    folder.publish(&[event("t", "two", "set", "v", "D")]);
    assert_eq!(key_of(&agent.wait_for_events(1)[0]).1, "two", "nothing of the damaged chunk is published");
}

#[test]
fn a_faster_replay_overtakes_a_slower_one_and_a_signal_ends_one_with_its_counts() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    // At speed 1 the second event is due after ten minutes.
    let file = made(&folder, &[(0, packed("t", "first", "D")), (600, packed("t", "last", "D"))]);
    let mut slow = replay(&folder, &file, &["--speed", "1"]).start();
    agent.wait_for_events(1);
    let _ = replay(&folder, &file, &["--speed", "6000"]).run().expect(0);
    let keys: Vec<String> = agent.wait_for_events(3).iter().map(|event| key_of(event).1).collect();
    assert_eq!(keys, ["first", "first", "last"]);
    assert!(slow.is_running());
    slow.signal(Signal::TERM);
    assert_eq!(slow.wait_for_end().code(), Some(69));
    let said = slow.stderr();
    assert!(said.contains("replayed 1 events") && said.contains("1 of them confirmed"), "{said}");
    assert!(said.contains("ended by a signal"), "{said}");
}

#[test]
fn times_topics_and_tables_select_what_is_replayed() {
    let folder = Folder::new();
    let events = [("a", "1", "D"), ("b", "2", "D"), ("a", "3", "tenant"), ("b", "4", "tenant")];
    let events =
        [10, 11, 12, 13].into_iter().zip(events.map(|(table, key, topic)| packed(table, key, topic)));
    let file = made(&folder, &events.collect::<Vec<_>>());
    for (arguments, wanted) in [
        (&[][..], &["1", "2", "3", "4"][..]),
        (&["--from", "1s"], &["2", "3", "4"]),
        (&["--from", "1s", "--to", "2s"], &["2", "3"]),
        (&["--topic", "tenant"], &["3", "4"]),
        (&["--table", "a", "--topic", "tenant"], &["3"]),
        (&["--table", "none"], &[]),
    ] {
        let keys: Vec<String> =
            lines(&folder, &file, arguments).iter().map(|event| key_of(event).1).collect();
        assert_eq!(keys, wanted, "{arguments:?}");
    }
    let ended = replay(&folder, &file, &["--output", "jsonl", "--table", "a"]).run().expect(0);
    assert!(ended.last_words().contains("left out 2 entries"), "{}", ended.stderr);
}

#[test]
fn events_that_nobody_may_publish_are_counted_by_cause() {
    let folder = Folder::new();
    let _service = folder.service();
    let file = made(&folder, &[(0, packed("t", "1", "D")), (0, packed("t", "2", "$hello"))]);
    let ended = replay(&folder, &file, &["--speed", "max"]).run().expect(1);
    let _ = ended.says(&["replayed 1 events", "refused 1 (reserved_topic 1)", "1 events were not published"]);
}

#[test]
fn a_redacted_recording_has_no_values() {
    let folder = Folder::new();
    let service = folder.service();
    let file = folder.path().join("redacted.mcap");
    let mut recorder = recorder(&folder, &service, &file, &["--count", "1", "--redact"]);
    folder.publish(&[event("lport", "port-1", "set", "a-secret-value", "D")]);
    assert_eq!(recorder.wait_for_end().code(), Some(0), "{}", recorder.stderr());
    assert_eq!(lines(&folder, &file, &[]), [event("lport", "port-1", "set", "xxxxxxxxxxxxxx", "D")]);
    let bytes = fs::read(&file).expect("a recording");
    assert!(!bytes.windows(6).any(|part| part == b"secret"));
}

#[test]
fn a_recorder_ends_at_its_bounds_and_refuses_a_file_that_exists() {
    let folder = Folder::new();
    let service = folder.service();
    let file = folder.path().join("bounded.mcap");
    let mut recorder = recorder(&folder, &service, &file, &["--max-mib", "1"]);
    let large = "x".repeat(100_000);
    folder.publish(
        &(0..12).map(|n| event("t", &n.to_string(), "set", large.as_str(), "D")).collect::<Vec<_>>(),
    );
    assert_eq!(recorder.wait_for_end().code(), Some(0), "{}", recorder.stderr());
    assert!(recorder.stderr().contains("ended by --max-mib"), "{}", recorder.stderr());
    assert_eq!(lines(&folder, &file, &[]).len(), 11);
    let again = folder.skimmer(&["record", &file.display().to_string()]).run().expect(69);
    let _ = again.says(&["exists already"]);
}

#[test]
fn a_full_disk_ends_the_recorder_with_an_error_and_the_file_is_readable() {
    /// The recording is on a disk of its own, and copied from there.
    const ON_SMALL_DISK: &str = r#"
        mount -t tmpfs -o size=256k tmpfs "$1" && shift
        "$@"; status=$?
        cp disk/full.mcap full.mcap; exit $status
    "#;
    let folder = Folder::new();
    let service = folder.service();
    let disk = folder.state_dir("disk");
    let small = format!("cd {:?}; {ON_SMALL_DISK}", folder.path());
    let file = disk.join("full.mcap").display().to_string();
    let launch = folder.skimmer(&["record", &file]).set("publishers_ips", service.address());
    let mut recorder =
        launch.under("unshare", &["-m", "sh", "-c", &small, "sh", &disk.display().to_string()]).start();
    until("the recorder is subscribed", || recorder.stderr().contains("\"subscribed\"").then_some(()));
    folder.publish(&[event("t", "0", "set", "v", "D")]);
    let on_disk = PathBuf::from(format!("/proc/{}/root{file}", recorder.pid()));
    until("the first event is on the disk", || (lines(&folder, &on_disk, &[]).len() == 1).then_some(()));
    let large = "x".repeat(20_000);
    let mut published = 1;
    while recorder.is_running() {
        assert!(published < 1000, "{}", recorder.stderr());
        folder.publish(&[event("t", &published.to_string(), "set", large.as_str(), "D")]);
        published += 1;
    }
    assert_eq!(recorder.wait_for_end().code(), Some(69), "{}", recorder.stderr());
    assert!(recorder.stderr().contains("No space left on device"), "{}", recorder.stderr());
    let read = lines(&folder, &folder.path().join("full.mcap"), &[]);
    assert!(!read.is_empty() && read.len() < published, "{} of {published} events", read.len());
    assert_eq!(key_of(&read[0]).1, "0");
}

#[test]
fn the_demo_plays_a_recording() {
    let folder = Folder::new();
    let events: Vec<_> = (0..20).map(|n| (n, packed("t", &(n % 7).to_string(), "tenant"))).collect();
    let file = made(&folder, &events).display().to_string();
    let demo = ["demo", "--recording", &file, "--agents", "1", "--workers", "2"];
    let ended = Launch::new("skimmer", "demo", folder.path()).args(demo).run().expect(0);
    assert!(ended.stdout.contains("received every event in order"), "{}", ended.stdout);
    let none = ["demo", "--recording", "none.mcap"];
    let _ = Launch::new("skimmer", "demo", folder.path()).args(none).run().expect(69).says(&["none.mcap"]);
}
