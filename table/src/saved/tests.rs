use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use pubsub_api::{Action, Event, HELLO, SEND_ALL, Stamp, Subscriptions, Topic, Value};

use super::SavedState;
use crate::DatedEvent;
use delivery::Position;
use delivery::subscriber::{SavedLink, SavedPosition};

fn encoded(state: &SavedState) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.encode(&mut bytes).unwrap();
    bytes
}

fn topic(name: &str) -> Topic {
    Topic::new(name.to_owned()).unwrap()
}

fn position(publisher: u64, on: Topic) -> SavedPosition {
    SavedPosition { publisher, topic: on, position: Position { epoch: 5, sequence: 7 } }
}

fn row(publisher: u64, on: Topic, key: &str) -> DatedEvent {
    let stamp = Some(Stamp { publisher, epoch: 5, sequence: 7, time_us: 9 });
    dated(9, Event { stamp, ..Event::new("t", key, Action::Set, "v", on) })
}

fn dated(micros: u64, event: Event) -> DatedEvent {
    DatedEvent { event: Arc::new(event), at: Duration::from_micros(micros) }
}

fn small() -> SavedState {
    SavedState {
        subscriptions: vec!["topic D".to_owned()],
        positions: vec![position(1, SEND_ALL)],
        links: vec![SavedLink { endpoint: "tcp://192.0.2.1:8866".to_owned(), publisher: 1 }],
        rows: vec![row(1, SEND_ALL, "k")],
        unhandled: vec![("t".to_owned(), "k".to_owned())],
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["", "[a-z]{1,8}", "\\PC{0,40}"]
}

fn any_event() -> impl Strategy<Value = Event> {
    let value = prop_oneof![
        Just(Value::Nil),
        text().prop_map(Value::Text),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Value::Other(Bytes::from(bytes))),
    ];
    let stamp = any::<[u64; 4]>().prop_map(|[publisher, epoch, sequence, time_us]| Stamp {
        publisher,
        epoch,
        sequence,
        time_us,
    });
    let names = (option::of(text()), option::of(text()), text(), "[a-z$.]{1,9}");
    (names, value, option::of(stamp), option::of(any::<u64>())).prop_map(|(names, value, stamp, version)| {
        let (table, key, action, on) = names;
        let action = Action::from(action.as_str());
        Event { table, key, action, value, topic: topic(&on), stamp, version }
    })
}

fn any_state() -> impl Strategy<Value = SavedState> {
    let position = (any::<[u64; 3]>(), "[a-z]{1,9}").prop_map(|([publisher, epoch, number], on)| {
        SavedPosition { publisher, topic: topic(&on), position: Position { epoch, sequence: number } }
    });
    let rows = vec((any::<u64>(), any_event()).prop_map(|(micros, event)| dated(micros, event)), 0..6);
    let link = (text(), any::<u64>()).prop_map(|(endpoint, publisher)| SavedLink { endpoint, publisher });
    let known = (vec(position, 0..4), vec(link, 0..3));
    let parts = (vec(text(), 0..3), known, rows, vec((text(), text()), 0..3));
    parts.prop_map(|(subscriptions, (positions, links), rows, unhandled)| SavedState {
        subscriptions,
        positions,
        links,
        rows,
        unhandled,
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(state in any_state()) {
        prop_assert_eq!(SavedState::decode(&encoded(&state)).unwrap(), state);
    }

    #[test]
    fn any_bytes_are_refused_and_nothing_worse(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(SavedState::decode(&bytes).is_err());
        let mut ours = encoded(&small());
        ours.extend(&bytes);
        prop_assert_eq!(SavedState::decode(&ours).is_ok(), bytes.is_empty());
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_found(state in any_state()) {
        let mut bytes = encoded(&state);
        for place in 0..bytes.len() {
            prop_assert!(SavedState::decode(&bytes[..place]).is_err(), "cut at {}", place);
            for bit in 0..8 {
                bytes[place] ^= 1 << bit;
                prop_assert!(SavedState::decode(&bytes).is_err(), "bit {} of byte {}", bit, place);
                bytes[place] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn a_file_is_refused_with_the_reason_and_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent-table");
    assert_eq!(SavedState::read(&path).unwrap(), None, "no file is no error");
    let whole = encoded(&small());
    let mut newer = whole.clone();
    newer[8] = 3;
    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    for (bytes, reason) in [
        (b"something else".as_slice(), "it is not a saved table"),
        (b"", "it is not a saved table"),
        (&newer, "it is of version 3, this program reads versions 1 to 2"),
        (&whole[..10], "it is torn"),
        (&whole[..whole.len() - 1], "its checksum is wrong"),
        (&flipped, "its checksum is wrong"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = SavedState::read(&path).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("agent-table"), "{error}");
        let aside = SavedState::set_aside(&path).unwrap();
        assert!(aside.ends_with("agent-table.refused") && !path.exists());
        assert_eq!(fs::read(aside).unwrap(), bytes);
    }
}

#[test]
fn a_file_replaces_the_one_before_in_one_step_and_is_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent-table");
    for state in [SavedState::default(), small()] {
        state.write(&path).unwrap();
        assert_eq!(SavedState::read(&path).unwrap(), Some(state));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["agent-table"]);

    let error = small().write(&folder.path().join("no-folder").join("agent-table")).unwrap_err();
    assert!(error.to_string().contains("cannot write"), "{error}");
}

#[test]
fn a_file_of_version_1_is_read_and_its_rows_are_older_than_all_that_comes() {
    let at = Duration::ZERO;
    let mut old = small();
    old.rows.iter_mut().for_each(|row| row.at = at);
    // The same file as an older program wrote it: another version, and a row without its time.
    let file = encoded(&old);
    let place = file.windows(9).position(|window| *window == [b'D', 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    let mut older = [&file[..place], b"R", &file[place + 9..file.len() - 4]].concat();
    older[8] = 1;
    older.extend(crc32fast::hash(&older).to_le_bytes());
    assert_eq!(SavedState::decode(&older).unwrap(), old);
}

#[test]
fn rows_of_topics_that_are_not_wanted_stay_and_their_positions_do_not() {
    let mut wanted = Subscriptions::default();
    wanted.insert(SEND_ALL.into());
    let rows = vec![row(1, SEND_ALL, "a"), row(1, topic("no-more"), "b"), row(2, SEND_ALL, "no position")];
    let hello = position(1, HELLO);
    let state = SavedState {
        positions: vec![position(1, SEND_ALL), position(1, topic("no-more")), hello.clone()],
        rows: rows.clone(),
        ..small()
    };
    let narrowed = state.narrowed(&wanted);
    assert_eq!(narrowed.positions, [position(1, SEND_ALL), hello], "the hello is wanted always");
    assert_eq!(narrowed.rows, rows, "handlers have them");
}
