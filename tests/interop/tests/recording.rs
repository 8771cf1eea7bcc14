//! The reader of MCAP's authors reads recordings, by their index and with their checksums.

use delivery::subscriber::DeliveryMode;
use end_to_end::Folder;
use interop::{ask, hex};
use pubsub_api::{Action, Envelope, Event, Notice, SEND_ALL, Stamp};
use recording::Recorder;
use serde_json::{Value, json};

#[test]
fn the_reader_of_mcap_finds_the_same_entries_in_a_recording() {
    let folder = Folder::new();
    let path = folder.path().join("recording.mcap");
    let mut recorder = Recorder::create(&path).expect("a new file");
    let stamp = Stamp { publisher: 1, epoch: 2, sequence: 3, time_us: 4 };
    let event = Event { stamp: Some(stamp), ..Event::new("lport", "port-1", Action::Set, "up", SEND_ALL) };
    let envelope = Envelope::pack(&event).expect("a small event");
    recorder.record_event(5_000, DeliveryMode::Live, &envelope).expect("room");
    recorder.flush().expect("room");
    recorder.record_notice(6_000, &Notice::LinkUp { publisher: "p".into() }).expect("room");
    recorder.record_event(7_000, DeliveryMode::Replay, &envelope).expect("room");
    recorder.finish().expect("room");

    let lines = ask(&folder, "recordings.py", &format!("{}\n", path.display()));
    let of_event = |channel: &str, at_ns: u64| json!({ "channel": channel, "encoding": "msgpack", "at_ns": at_ns, "published_ns": 4_000, "data": hex(&envelope.payload) });
    let notice = hex(br#"{"notice":"link_up","publisher":"p"}"#);
    let notice: Value = json!({ "channel": "notices", "encoding": "json", "at_ns": 6_000, "published_ns": 6_000, "data": notice });
    // A chunk of the channels, and one for each flush.
    let head = json!({ "profile": "skimmer-recording-1", "messages": 3, "chunks": 3 });
    assert_eq!(lines, [head, of_event("live", 5_000), notice, of_event("replay", 7_000)]);
}
