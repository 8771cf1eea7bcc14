use std::time::{Duration, Instant};

use delivery::subscriber::{DeliveryMode, Item, Snapshot};
use pubsub_api::{Action, Envelope, Event, Notice, SEND_ALL, Stamp, Value};

use super::{Delivery, TableUpdater};

fn event(number: u64, key: &str, value: Option<&str>) -> Event {
    let action = if value.is_some() { Action::Set } else { Action::Delete };
    let value = value.map_or(Value::Nil, Value::from);
    let stamp = Some(Stamp { publisher: 1, epoch: 1, sequence: number, time_us: number });
    Event { stamp, ..Event::new("t", key, action, value, SEND_ALL) }
}

fn item(mode: DeliveryMode, event: &Event) -> Item {
    Item::Event { envelope: Envelope::pack(event).unwrap(), mode }
}

fn snapshot(rows: &[Event]) -> Item {
    let rows = rows.iter().map(|row| Envelope::pack(row).unwrap()).collect();
    Item::Snapshot(Snapshot { publisher: 1, topic: SEND_ALL, rows, epochs: vec![1], is_complete: true })
}

fn live() -> Notice {
    Notice::Live { publisher: "tcp://192.0.2.1:8866".to_owned(), topic: Some("D".to_owned()) }
}

/// The deliveries in short: origin, key and action, or the notice.
fn apply_all(updater: &TableUpdater, items: impl IntoIterator<Item = Item>) -> Vec<String> {
    let mut delivered = Vec::new();
    for item in items {
        updater.apply(item, Instant::now(), &mut delivered);
    }
    let short = |delivered| match delivered {
        Delivery::Change(change) => {
            let key = change.event.key.clone().unwrap_or_default();
            format!("{} {key} {}", change.mode.name().unwrap_or("live"), change.event.action)
        }
        Delivery::Notice(notice) => serde_json::to_string(&notice).unwrap(),
    };
    delivered.into_iter().map(short).collect()
}

fn count(updater: &TableUpdater, name: &str) -> u64 {
    updater.counters().iter().filter(|counter| counter.name == name).map(|counter| counter.value).sum()
}

#[test]
fn all_events_of_a_reply_are_delivered_before_the_live_notice() {
    let updater = TableUpdater::new(Instant::now(), Duration::ZERO, usize::MAX);
    let items = [
        item(DeliveryMode::Live, &event(1, "a", Some("1"))),
        item(DeliveryMode::Replay, &event(1, "a", Some("1"))),
        item(DeliveryMode::Replay, &event(2, "a", None)),
        Item::Notice(live()),
        snapshot(&[event(4, "b", Some("1")), event(5, "c", Some("1"))]),
        Item::Notice(live()),
    ];
    let live = serde_json::to_string(&live()).unwrap();
    let wanted =
        ["live a set", "replay a delete", live.as_str(), "snapshot b set", "snapshot c set", live.as_str()];
    assert_eq!(apply_all(&updater, items), wanted);
    for (name, wanted) in [
        ("events_applied", 1),
        ("events_replayed", 1),
        ("events_known", 1),
        ("snapshot_rows", 2),
        ("snapshot_differences", 2),
        ("events_superseded", 0),
    ] {
        assert_eq!(count(&updater, name), wanted, "{name}");
    }
    assert_eq!(updater.table().len(), 2);
}

#[test]
fn a_snapshot_is_delivered_as_its_differences() {
    let updater = TableUpdater::new(Instant::now(), Duration::ZERO, usize::MAX);
    let before =
        ["same", "changed", "gone"].map(|key| item(DeliveryMode::Unverified, &event(1, key, Some("1"))));
    apply_all(&updater, before);
    let rows = [event(2, "same", Some("1")), event(3, "changed", Some("2"))];
    assert_eq!(apply_all(&updater, [snapshot(&rows)]), ["snapshot changed set", "snapshot gone delete"]);
    assert_eq!(apply_all(&updater, [snapshot(&rows)]), Vec::<String>::new());
    assert_eq!((count(&updater, "snapshot_rows"), count(&updater, "snapshot_differences")), (4, 2));
}

#[test]
fn an_event_older_than_that_of_another_publisher_is_counted_and_not_delivered() {
    let updater = TableUpdater::new(Instant::now(), Duration::ZERO, usize::MAX);
    let newer = Event { version: Some(7), ..event(1, "k", Some("newer")) };
    let stamp = Some(Stamp { publisher: 2, epoch: 1, sequence: 1, time_us: 99 });
    let older = Event { version: Some(6), stamp, ..event(1, "k", Some("older")) };
    let delivered = apply_all(&updater, [item(DeliveryMode::Live, &newer), item(DeliveryMode::Live, &older)]);
    assert_eq!(delivered, ["live k set"]);
    assert_eq!((count(&updater, "events_applied"), count(&updater, "events_superseded")), (1, 1));
}

#[test]
fn a_sync_event_of_an_old_service_is_delivered_and_followed_by_a_resync_notice() {
    let updater = TableUpdater::new(Instant::now(), Duration::ZERO, usize::MAX);
    let sync = Event { table: None, key: None, action: Action::Sync, ..event(1, "", None) };
    let delivered = apply_all(&updater, [item(DeliveryMode::Unverified, &Event { stamp: None, ..sync })]);
    let notice =
        r#"{"notice":"resync","reason":"a publisher requested it with action sync: events may be missing"}"#;
    assert_eq!(delivered, ["live  sync", notice]);
}

#[test]
fn an_unreadable_event_is_counted_by_cause_and_dropped() {
    let updater = TableUpdater::new(Instant::now(), Duration::ZERO, usize::MAX);
    let envelope = Envelope { topic: SEND_ALL, payload: bytes::Bytes::from_static(b"\xc0") };
    assert_eq!(
        apply_all(&updater, [Item::Event { envelope, mode: DeliveryMode::Live }]),
        Vec::<String>::new()
    );
    assert_eq!(count(&updater, "events_dropped"), 1);
    assert!(updater.has_changed() && !updater.has_changed());
}

#[test]
fn actions_of_old_peers_for_missing_events_lead_to_a_resync_notice() {
    for (table, action, expected) in [
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
        let delivered = apply_all(
            &TableUpdater::new(Instant::now(), Duration::ZERO, usize::MAX),
            [item(DeliveryMode::Unverified, &event)],
        );
        let has_notice = delivered.last().is_some_and(|last| last.contains("\"notice\":\"resync\""));
        assert_eq!(has_notice, expected, "{action} on {table:?}: {delivered:?}");
    }
}

/// The event as it is sealed: its value is nil, and the last pair holds the encrypted bytes.
fn sealed(event: &Event) -> Envelope {
    let Envelope { topic, payload } = Envelope::pack(&Event { value: Value::Nil, ..event.clone() }).unwrap();
    let pair = [b"\xa6sealed\x93\xa2k1\xc4\x18", &[7; 24][..], b"\xc4\x14", &[9; 20]].concat();
    let mut sealed = Vec::new();
    pubsub_api::wire::append_pairs(&payload, 1, &pair, &mut sealed).unwrap();
    Envelope { topic, payload: sealed.into() }
}

#[test]
fn sealed_events_and_snapshots_with_one_change_no_row_and_are_reported_once() {
    let updater = TableUpdater::new(Instant::now(), Duration::ZERO, usize::MAX);
    assert_eq!(apply_all(&updater, [item(DeliveryMode::Live, &event(1, "a", Some("1")))]), ["live a set"]);
    let rows = vec![sealed(&event(2, "b", Some("2"))), Envelope::pack(&event(3, "c", Some("3"))).unwrap()];
    let snapshot = Snapshot { publisher: 1, topic: SEND_ALL, rows, epochs: vec![1], is_complete: true };
    let items = [
        Item::Event { envelope: sealed(&event(2, "a", Some("2"))), mode: DeliveryMode::Live },
        Item::Event { envelope: sealed(&event(3, "a", None)), mode: DeliveryMode::Replay },
        Item::Snapshot(snapshot),
    ];
    let delivered = apply_all(&updater, items);
    assert!(
        delivered.len() == 1 && delivered[0].contains(r#""cause":"no_keyring","events":1"#),
        "{delivered:?}"
    );
    let table = updater.table();
    let row = table.latest_event("t", "a").map(|row| row.value.clone());
    assert_eq!((row, table.len()), (Some(Value::from("1")), 1));
    drop(table);
    assert_eq!(count(&updater, "events_dropped"), 3);
}
