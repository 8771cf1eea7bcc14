mod comparisons;
mod histories;
mod paths;
mod room;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pubsub_api::wire::EventRef;
use pubsub_api::{Action, Envelope, Event, SEND_ALL, Stamp, Topic, Value};

use crate::tombstones::MOST;
use crate::{Differences, Merge, Table};
use delivery::subscriber::{DeliveryMode, PublisherClock, Snapshot};

pub(super) const A: u64 = 1;
pub(super) const B: u64 = 2;

/// Returns the event of a publisher on `D` with the sequence `number`; its time is its number, too.
pub(super) fn event(publisher: u64, number: u64, key: &str, value: Option<&str>) -> Event {
    let action = if value.is_some() { Action::Set } else { Action::Delete };
    let value = value.map_or(Value::Nil, Value::from);
    let stamp = Some(Stamp { publisher, epoch: 1, sequence: number, time_us: number });
    Event { stamp, ..Event::new("t", key, action, value, SEND_ALL) }
}

pub(super) fn with_version(version: u64, event: Event) -> Event {
    Event { version: Some(version), ..event }
}

pub(super) fn snapshot<'a>(publisher: u64, rows: impl IntoIterator<Item = &'a Event>) -> Snapshot {
    let rows = rows.into_iter().map(|row| Envelope::pack(row).unwrap()).collect();
    Snapshot { publisher, topic: SEND_ALL, rows, epochs: vec![1], is_complete: true }
}

pub(super) type Contents = BTreeMap<String, Value>;

pub(super) fn contents(table: &Table) -> Contents {
    table.iter().map(|row| (row.key.clone().unwrap(), row.value.clone())).collect()
}

/// Merges an event when the table's clock shows its time or later, and its publisher's clock shows the same.
pub(super) fn merge(table: &mut Table, mode: DeliveryMode, event: Event) -> Merge {
    show(table, event.stamp.iter());
    table.merge(&Arc::new(event), mode)
}

/// As [`merge`], for a snapshot.
pub(super) fn replace(table: &mut Table, snapshot: &Snapshot) -> Differences {
    let read = |row: &Envelope| EventRef::read(row.topic.as_bytes(), &row.payload).ok()?.stamp;
    let stamps: Vec<Stamp> = snapshot.rows.iter().filter_map(read).collect();
    show(table, stamps.iter());
    table.replace(snapshot)
}

fn show<'a>(table: &mut Table, stamps: impl Iterator<Item = &'a Stamp> + Clone) {
    let latest = stamps.clone().map(|stamp| Duration::from_micros(stamp.time_us)).max();
    table.tick(latest.unwrap_or_default().max(table.now));
    let time_us = u64::try_from(table.now.as_micros()).unwrap();
    stamps.for_each(|stamp| table.clock(PublisherClock { publisher: stamp.publisher, time_us }));
}

fn value(table: &Table, key: &str) -> Option<String> {
    match &table.get("t", key)?.value {
        Value::Text(text) => Some(text.clone()),
        other => Some(format!("{other:?}")),
    }
}

#[test]
fn a_row_lives_from_its_first_event_to_its_delete() {
    let mut table = Table::default();
    for (action, rows) in
        [("set", 1), ("create", 1), ("own-action", 1), ("delete", 0), ("delete", 0), ("set", 1)]
    {
        table.apply(&Arc::new(Event::new("t", "k", Action::from(action), "v", SEND_ALL)));
        assert_eq!((table.len(), table.iter().count()), (rows, rows), "after {action}");
        let has_value = table.latest_event("t", "k").is_some_and(|row| row.value != Value::Nil);
        assert_eq!(has_value, rows == 1, "a delete is remembered without its value");
    }
}

#[test]
fn what_is_about_no_row_changes_no_row_and_is_handed_on() {
    let mut table = Table::default();
    let nothing = Event { table: None, key: None, ..event(A, 1, "k", None) };
    let sync = Event { action: Action::Sync, ..event(A, 2, "k", None) };
    for odd in [nothing, sync] {
        assert_eq!(merge(&mut table, DeliveryMode::Replay, odd), Merge::Applied);
    }
    assert_eq!((table.len(), table.with_tombstones().count()), (0, 0));
}

#[test]
fn an_event_of_the_stream_applies_unless_a_higher_version_was_reported() {
    let row = || with_version(5, event(A, 9, "k", Some("row")));
    for (case, wanted, comes) in [
        ("a delete by the same publisher", Merge::Applied, with_version(4, event(A, 10, "k", None))),
        ("a lower version of another", Merge::Superseded, with_version(4, event(B, 1, "k", None))),
        ("the same version of another", Merge::Applied, with_version(5, event(B, 1, "k", None))),
        ("no version of another", Merge::Applied, event(B, 1, "k", None)),
        ("no stamp", Merge::Applied, Event { stamp: None, ..with_version(4, event(B, 1, "k", None)) }),
    ] {
        let mut table = Table::default();
        merge(&mut table, DeliveryMode::Live, row());
        assert_eq!(merge(&mut table, DeliveryMode::Live, comes), wanted, "{case}");
        assert_eq!(table.is_empty(), wanted == Merge::Applied, "{case}");
    }
    for (version, wanted) in [(4, Merge::Superseded), (5, Merge::Applied), (6, Merge::Applied)] {
        let mut table = Table::default();
        merge(&mut table, DeliveryMode::Live, row());
        let comes = with_version(version, event(A, 10, "k", Some("written by another worker")));
        assert_eq!(
            merge(&mut table, DeliveryMode::Live, comes),
            wanted,
            "version {version} of the same publisher"
        );
    }
}

#[test]
fn a_replayed_event_applies_in_order_on_its_stream_and_else_only_if_it_is_newer() {
    let other_topic = Event { topic: Topic::new("other").unwrap(), ..event(A, 9, "k", None) };
    for (case, wanted, comes) in [
        ("the next of its stream", Merge::Applied, event(A, 10, "k", None)),
        ("the row's own event", Merge::Known, event(A, 9, "k", None)),
        ("an earlier one of its stream", Merge::Known, event(A, 8, "k", None)),
        ("an older one of another", Merge::Superseded, event(B, 8, "k", None)),
        ("one of another of the same time", Merge::Superseded, event(B, 9, "k", None)),
        ("a newer one of another", Merge::Applied, event(B, 10, "k", None)),
        ("one of another topic and the same time", Merge::Superseded, other_topic),
        ("one without a stamp", Merge::Superseded, Event { stamp: None, ..event(B, 10, "k", None) }),
    ] {
        let mut table = Table::default();
        merge(&mut table, DeliveryMode::Live, event(A, 9, "k", Some("row")));
        assert_eq!(merge(&mut table, DeliveryMode::Replay, comes), wanted, "{case}");
    }
    let mut table = Table::default();
    merge(&mut table, DeliveryMode::Live, with_version(2, event(A, 9, "k", Some("row"))));
    let older_by_time = with_version(3, event(B, 1, "k", Some("newer by version")));
    assert_eq!(merge(&mut table, DeliveryMode::Replay, older_by_time), Merge::Applied);
}

#[test]
fn a_tombstone_keeps_an_older_row_away_until_its_time_has_come() {
    let mut table = Table::default();
    table.tick(Duration::from_secs(1000));
    merge(&mut table, DeliveryMode::Live, event(A, 9, "k", None));
    table.tick(Duration::from_secs(1600));
    assert_eq!(merge(&mut table, DeliveryMode::Replay, event(B, 8, "k", Some("old"))), Merge::Superseded);
    table.tick(Duration::from_secs(1601));
    assert_eq!(merge(&mut table, DeliveryMode::Replay, event(B, 8, "k", Some("old"))), Merge::Applied);
    table.tick(Duration::from_secs(10_000));
    assert_eq!(table.len(), 1, "what was forgotten was the delete, not the row");
}

#[test]
fn as_many_tombstones_are_remembered_as_there_is_room_for() {
    let mut table = Table::default();
    for number in 0..MOST as u64 + 10 {
        merge(&mut table, DeliveryMode::Live, event(A, number + 1, &number.to_string(), None));
    }
    assert_eq!(table.with_tombstones().count(), MOST);
    assert!(table.latest_event("t", "9").is_none() && table.latest_event("t", "10").is_some());
}

#[test]
fn a_snapshot_changes_what_differs_and_deletes_what_its_publisher_knows_no_more() {
    let mut table = Table::default();
    for row in [
        event(A, 1, "same", Some("v")),
        event(A, 2, "changed", Some("old")),
        event(A, 3, "gone", Some("v")),
        event(A, 4, "deleted", Some("v")),
        event(B, 9, "of-b", Some("v")),
    ] {
        merge(&mut table, DeliveryMode::Live, row);
    }
    let rows = [
        event(A, 5, "same", Some("v")),
        event(A, 6, "changed", Some("new")),
        event(A, 7, "deleted", None),
        event(A, 8, "never-here", None),
        event(A, 8, "of-b", Some("older")),
        event(A, 9, "new", Some("v")),
    ];
    let differences = replace(&mut table, &snapshot(A, &rows));
    let gone = Event { stamp: None, ..event(A, 3, "gone", None) };
    let wanted = [&rows[1], &rows[2], &rows[5], &gone].map(|event| Arc::new(event.clone()));
    assert_eq!(
        differences,
        Differences { events: wanted.to_vec(), rows: 6, superseded: 1, ..Differences::default() }
    );
    assert_eq!(table.get("t", "same").unwrap().stamp, rows[0].stamp, "its position is taken over");
    assert_eq!(value(&table, "of-b").as_deref(), Some("v"));
    let tombstone = table.latest_event("t", "gone").unwrap();
    assert_eq!((&tombstone.action, tombstone.stamp.unwrap().sequence), (&Action::Delete, 3));

    assert_eq!(replace(&mut table, &snapshot(A, &rows)).events, [], "the same again is no difference");
}

#[test]
fn absence_means_nothing_in_an_incomplete_snapshot_or_about_another_topic() {
    let mut table = Table::default();
    merge(&mut table, DeliveryMode::Live, event(A, 1, "k", Some("v")));
    let empty = snapshot(A, []);
    assert_eq!(replace(&mut table, &Snapshot { is_complete: false, ..empty.clone() }).events, []);
    let other_topic = Snapshot { topic: Topic::new("other").unwrap(), ..empty.clone() };
    assert_eq!(replace(&mut table, &other_topic).events, []);
    for epochs in [vec![2], vec![0], vec![0, 2], Vec::new()] {
        let of_others = Snapshot { epochs: epochs.clone(), ..empty.clone() };
        assert_eq!(replace(&mut table, &of_others).events, [], "row of epoch 1, snapshot of {epochs:?}");
    }
    let mut unreadable = empty.clone();
    unreadable.rows.push(Envelope { topic: SEND_ALL, payload: bytes::Bytes::from_static(b"\xc0") });
    let differences = replace(&mut table, &unreadable);
    assert_eq!((differences.events.len(), differences.refused), (0, 1), "it may be the absent one");
    assert_eq!(replace(&mut table, &empty).events.len(), 1);
}

#[test]
fn while_two_publishers_claim_an_id_a_snapshot_replaces_only_what_is_older() {
    let mut table = Table::default();
    merge(&mut table, DeliveryMode::Live, event(A, 9, "k", Some("v")));
    let older = [event(A, 8, "k", Some("older"))];
    let of_one_of_two = Snapshot { is_complete: false, ..snapshot(A, &older) };
    assert_eq!(replace(&mut table, &of_one_of_two).superseded, 1);
    assert_eq!(replace(&mut table, &snapshot(A, &older)).events.len(), 1, "alone it is the truth");
}
