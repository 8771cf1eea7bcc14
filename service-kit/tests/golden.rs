//! The genuine Dragonflow packer's bytes, for 60 events of a recorded day, in both directions.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use std::path::Path;

use pubsub_api::Event;
use pubsub_api::wire::{self, EventRef};
use serde_json::Value;
use service_kit::json;

fn lines(path: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Each vector: the event of the change log, the topic frame, the packed map.
fn vectors() -> Vec<(Event, Vec<u8>, Vec<u8>)> {
    let log = lines("../etc/change-log.jsonl");
    let vector = |line: String| {
        let vector: Value = serde_json::from_str(&line).unwrap();
        let number = usize::try_from(vector["line"].as_u64().unwrap()).unwrap();
        let event = json::from_line(&log[number - 1]).unwrap();
        (event, unhex(&vector["topic_hex"]), unhex(&vector["payload_hex"]))
    };
    lines("../pubsub-api/tests/golden/dragonflow.jsonl").into_iter().map(vector).collect()
}

#[test]
fn our_packer_writes_the_genuine_bytes() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 60);
    for (event, frame, payload) in vectors {
        assert_eq!(event.topic.as_bytes(), frame);
        assert_eq!(wire::encode(&event).unwrap(), payload, "{event:?}");
    }
}

#[test]
fn our_reader_reads_the_genuine_bytes() {
    for (event, frame, payload) in vectors() {
        let read = EventRef::read(&frame, &payload).unwrap();
        assert!(read.genuine);
        assert_eq!(read.to_event(), event);
    }
}

#[test]
fn every_event_of_the_change_log_survives_the_wire_and_json() {
    for line in lines("../etc/change-log.jsonl") {
        let event = json::from_line(&line).unwrap();
        let payload = wire::encode(&event).unwrap();
        let read = EventRef::read(event.topic.as_bytes(), &payload).unwrap().to_event();
        let (again, original): (Value, Value) = (
            serde_json::from_str(&json::to_line(&read).unwrap()).unwrap(),
            serde_json::from_str(&line).unwrap(),
        );
        assert_eq!(again, original);
    }
}
