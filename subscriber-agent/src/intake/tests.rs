use std::time::{Duration, Instant};

use delivery::subscriber::{Item, Origin, Snapshot};
use pubsub_api::{Action, Envelope, Event, Notice, SEND_ALL, Stamp, Value};

use super::{Handed, Intake};

fn event(number: u64, key: &str, value: Option<&str>) -> Event {
    let action = if value.is_some() { Action::Set } else { Action::Delete };
    let value = value.map_or(Value::Nil, Value::from);
    let stamp = Some(Stamp { publisher: 1, epoch: 1, sequence: number, time_us: number });
    Event { stamp, ..Event::new("t", key, action, value, SEND_ALL) }
}

fn item(origin: Origin, event: &Event) -> Item {
    Item::Event { envelope: Envelope::pack(event).unwrap(), origin }
}

fn snapshot(rows: &[Event]) -> Item {
    let rows = rows.iter().map(|row| Envelope::pack(row).unwrap()).collect();
    Item::Snapshot(Snapshot { publisher: 1, topic: SEND_ALL, rows, epochs: vec![1], is_complete: true })
}

fn live() -> Notice {
    Notice::Live { publisher: "tcp://192.0.2.1:8866".to_owned(), topic: Some("D".to_owned()) }
}

/// What is handed on, in short: origin, key and action, or the notice.
fn take_all(intake: &Intake, items: impl IntoIterator<Item = Item>) -> Vec<String> {
    let handed = items.into_iter().flat_map(|item| intake.take(item, Instant::now()));
    let short = |handed| match handed {
        Handed::Change(change) => {
            let key = change.event.key.clone().unwrap_or_default();
            format!("{} {key} {}", change.origin.name().unwrap_or("live"), change.event.action)
        }
        Handed::Notice(notice) => serde_json::to_string(&notice).unwrap(),
    };
    handed.map(short).collect()
}

fn count(intake: &Intake, name: &str) -> u64 {
    intake.counters().iter().filter(|counter| counter.name == name).map(|counter| counter.value).sum()
}

#[test]
fn all_of_an_answer_comes_before_the_notice_that_nothing_is_missing_any_more() {
    let intake = Intake::new(Instant::now(), Duration::ZERO);
    let items = [
        item(Origin::Live, &event(1, "a", Some("1"))),
        item(Origin::Replay, &event(1, "a", Some("1"))),
        item(Origin::Replay, &event(2, "a", None)),
        Item::Notice(live()),
        snapshot(&[event(4, "b", Some("1")), event(5, "c", Some("1"))]),
        Item::Notice(live()),
    ];
    let live = serde_json::to_string(&live()).unwrap();
    let wanted =
        ["live a set", "replay a delete", live.as_str(), "snapshot b set", "snapshot c set", live.as_str()];
    assert_eq!(take_all(&intake, items), wanted);
    for (name, wanted) in [
        ("events_applied", 1),
        ("events_replayed", 1),
        ("events_known", 1),
        ("snapshot_rows", 2),
        ("snapshot_differences", 2),
        ("events_superseded", 0),
    ] {
        assert_eq!(count(&intake, name), wanted, "{name}");
    }
    assert_eq!(intake.table().len(), 2);
}

#[test]
fn a_snapshot_is_handed_on_as_its_differences() {
    let intake = Intake::new(Instant::now(), Duration::ZERO);
    let before = ["same", "changed", "gone"].map(|key| item(Origin::Unverified, &event(1, key, Some("1"))));
    take_all(&intake, before);
    let rows = [event(2, "same", Some("1")), event(3, "changed", Some("2"))];
    assert_eq!(take_all(&intake, [snapshot(&rows)]), ["snapshot changed set", "snapshot gone delete"]);
    assert_eq!(take_all(&intake, [snapshot(&rows)]), Vec::<String>::new());
    assert_eq!((count(&intake, "snapshot_rows"), count(&intake, "snapshot_differences")), (4, 2));
}

#[test]
fn what_another_publisher_knows_better_is_not_handed_on_and_counted() {
    let intake = Intake::new(Instant::now(), Duration::ZERO);
    let newer = Event { version: Some(7), ..event(1, "k", Some("newer")) };
    let stamp = Some(Stamp { publisher: 2, epoch: 1, sequence: 1, time_us: 99 });
    let older = Event { version: Some(6), stamp, ..event(1, "k", Some("older")) };
    let handed = take_all(&intake, [item(Origin::Live, &newer), item(Origin::Live, &older)]);
    assert_eq!(handed, ["live k set"]);
    assert_eq!((count(&intake, "events_applied"), count(&intake, "events_superseded")), (1, 1));
}

#[test]
fn a_sync_of_an_old_service_is_handed_on_and_tells_to_compare_with_the_database() {
    let intake = Intake::new(Instant::now(), Duration::ZERO);
    let sync = Event { table: None, key: None, action: Action::Sync, ..event(1, "", None) };
    let handed = take_all(&intake, [item(Origin::Unverified, &Event { stamp: None, ..sync })]);
    let notice = r#"{"notice":"resync","reason":"a publisher asks for it: what it has to tell is more than its events say"}"#;
    assert_eq!(handed, ["live  sync", notice]);
}

#[test]
fn what_cannot_be_read_is_counted_by_cause_and_harms_nothing() {
    let intake = Intake::new(Instant::now(), Duration::ZERO);
    let envelope = Envelope { topic: SEND_ALL, payload: bytes::Bytes::from_static(b"\xc0") };
    assert_eq!(take_all(&intake, [Item::Event { envelope, origin: Origin::Live }]), Vec::<String>::new());
    assert_eq!(count(&intake, "events_dropped"), 1);
    assert!(intake.has_changed() && !intake.has_changed());
}

#[test]
fn what_old_peers_say_when_events_are_missing_asks_for_a_comparison() {
    for (table, action, asks) in [
        (None, "sync", true),
        (None, "dbrestart", true),
        (None, "reinitialize", true),
        (Some("t"), "dbrestart", false),
        (None, "log", false),
    ] {
        let event = Event {
            table: table.map(str::to_owned),
            ..Event::new("t", "k", Action::from(action), "x", SEND_ALL)
        };
        let handed =
            take_all(&Intake::new(Instant::now(), Duration::ZERO), [item(Origin::Unverified, &event)]);
        let has_asked = handed.last().is_some_and(|last| last.contains("\"notice\":\"resync\""));
        assert_eq!(has_asked, asks, "{action} on {table:?}: {handed:?}");
    }
}
