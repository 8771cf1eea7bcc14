//! Tests: the effect of a comparison with the database on a table, whatever was missed and whatever arrives meanwhile.

mod random_writes;

use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Event, SEND_ALL, Value};

use super::{A, B, contents, event, merge, with_version};
use crate::{AbsenceRule, Compared, DatabaseRow, Merge, Table};
use delivery::subscriber::DeliveryMode;

/// The time when the database is read; earlier events have lower times.
const READ_AT: u64 = 1000;

fn row(key: &str, value: &str, version: Option<u64>) -> DatabaseRow {
    let (table, key, value) = ("t".to_owned(), key.to_owned(), value.to_owned());
    DatabaseRow { table, key, topic: SEND_ALL, value, version }
}

/// Absent rows are deleted when a second reading begins one second later; if they are many, ten seconds later.
const RULE: AbsenceRule = AbsenceRule {
    confirm_after: Duration::from_secs(1),
    max_percent: 50,
    mass_after: Duration::from_secs(10),
};

fn compare(table: &mut Table, rows: &[DatabaseRow]) -> Compared {
    table.tick(table.now.max(Duration::from_micros(READ_AT)));
    table.compare(rows, READ_AT, RULE, |_| true)
}

/// Compares with an unchanged database until no row is unconfirmed. Returns the changes of all readings together.
fn compare_for_long(table: &mut Table, rows: &[DatabaseRow]) -> Compared {
    let mut all = compare(table, rows);
    while let Some(at) = all.read_again_at.take() {
        table.tick(at);
        table.begin_comparison();
        let more = compare(table, rows);
        all = Compared { events: [all.events, more.events].concat(), kept: all.kept + more.kept, ..more };
    }
    all
}

/// Returns the key and action of each event that is passed on.
fn reported(compared: &Compared) -> Vec<(String, &str)> {
    compared.events.iter().map(|event| (event.key.clone().unwrap(), event.action.as_str())).collect()
}

fn table_of(events: impl IntoIterator<Item = Event>) -> Table {
    events.into_iter().map(Arc::new).collect()
}

#[test]
fn only_differences_are_handed_on() {
    let mut table = table_of([
        event(A, 1, "same", Some(r#"{"a": 1, "b": 2}"#)),
        event(A, 2, "other", Some("1")),
        event(A, 3, "gone", Some("1")),
        event(A, 4, "back", None),
    ]);
    table.begin_comparison();
    let rows = [
        row("same", r#"{"b":2,"a":1}"#, None),
        row("other", "2", Some(7)),
        row("new", "1", None),
        row("back", "1", None),
    ];
    let compared = compare_for_long(&mut table, &rows);
    let wanted = [("other", "set"), ("new", "create"), ("back", "create"), ("gone", "delete")];
    assert_eq!(reported(&compared), wanted.map(|(key, action)| (key.to_owned(), action)));
    assert!(compared.events.iter().all(|event| event.stamp.is_none()), "nobody has published it");
    assert_eq!(compared.events[0].version, Some(7));
    assert_eq!(contents(&table).keys().collect::<Vec<_>>(), ["back", "new", "other", "same"]);

    table.begin_comparison();
    assert_eq!(compare(&mut table, &rows), Compared::default(), "and nothing twice");
}

#[test]
fn an_event_during_a_read_of_the_database_stays_unless_its_version_is_lower() {
    let mut table =
        table_of([event(A, 1, "deleted", Some("1")), with_version(5, event(A, 2, "v", Some("5")))]);
    table.begin_comparison();
    merge(&mut table, DeliveryMode::Live, event(A, 3, "deleted", None));
    merge(&mut table, DeliveryMode::Live, event(A, 4, "created", Some("1")));
    merge(&mut table, DeliveryMode::Live, event(A, 5, "set", Some("new")));
    merge(&mut table, DeliveryMode::Live, with_version(6, event(A, 6, "v", Some("6"))));
    merge(&mut table, DeliveryMode::Live, with_version(6, event(A, 7, "w", Some("6"))));
    let rows =
        [row("deleted", "1", None), row("set", "old", None), row("v", "5", Some(5)), row("w", "7", Some(7))];
    let compared = compare(&mut table, &rows);
    assert_eq!((reported(&compared), compared.kept), (vec![("w".to_owned(), "set")], 4));
    assert_eq!(compared.unconfirmed, 0, "a row with an event in the meantime is not absent");
    let now: Vec<_> = contents(&table).into_iter().collect();
    let wanted = [("created", "1"), ("set", "new"), ("v", "6"), ("w", "7")];
    assert_eq!(now, wanted.map(|(key, value)| (key.to_owned(), Value::from(value))));
}

#[test]
fn a_version_that_is_lower_than_the_last_reported_one_is_the_truth() {
    // Deleted and created again; both events were missed.
    let mut table = table_of([with_version(5, event(A, 1, "k", Some("5")))]);
    table.begin_comparison();
    assert_eq!(reported(&compare(&mut table, &[row("k", "1", Some(1))])), [("k".to_owned(), "set")]);
    let next = with_version(2, event(A, 9, "k", Some("2")));
    assert_eq!(merge(&mut table, DeliveryMode::Live, next), Merge::Applied);
}

#[test]
fn older_events_that_are_replayed_later_change_nothing() {
    let mut table = table_of([event(A, 1, "gone", Some("1")), event(A, 2, "set", Some("1"))]);
    table.tick(Duration::from_micros(READ_AT));
    table.begin_comparison();
    compare_for_long(&mut table, &[row("set", "2", None)]);
    let read_at = u64::try_from(table.now.as_micros()).unwrap();
    for key in ["gone", "set"] {
        let older = event(B, READ_AT - 1, key, Some("old"));
        assert_eq!(merge(&mut table, DeliveryMode::Replay, older), Merge::Superseded, "{key}");
        let newer = event(B, read_at + 1, key, Some("new"));
        assert_eq!(merge(&mut table, DeliveryMode::Replay, newer), Merge::Applied, "{key}");
    }
}

#[test]
fn a_late_event_of_an_older_version_does_not_take_the_row_back() {
    let mut table = Table::default();
    table.begin_comparison();
    compare(&mut table, &[row("k", "3", Some(3))]);
    let late = |version| with_version(version, event(A, version, "k", Some("late")));
    assert_eq!(merge(&mut table, DeliveryMode::Live, late(2)), Merge::Superseded);
    assert_eq!(merge(&mut table, DeliveryMode::Live, late(4)), Merge::Applied);
}

#[test]
fn rows_that_the_database_would_not_have_are_left_alone() {
    let mut table = table_of([event(A, 1, "k", Some("1"))]);
    table.begin_comparison();
    let compared = table.compare(&[], READ_AT, RULE, |row| row.key.as_deref() != Some("k"));
    assert_eq!(compared, Compared::default());
    assert_eq!(table.len(), 1);
}

#[test]
fn a_comparison_that_was_given_up_notes_nothing_more() {
    let mut table = Table::default();
    table.begin_comparison();
    merge(&mut table, DeliveryMode::Live, event(A, 1, "k", Some("1")));
    table.forget_comparison();
    table.begin_comparison();
    assert_eq!(reported(&compare_for_long(&mut table, &[])), [("k".to_owned(), "delete")]);
}

/// Reads the database when the table's clock shows `second` seconds.
fn read_at(table: &mut Table, second: u64, rows: &[DatabaseRow]) -> Compared {
    table.tick(Duration::from_secs(second));
    table.begin_comparison();
    compare(table, rows)
}

#[test]
fn a_row_that_one_reading_does_not_find_stays_until_a_later_one_agrees() {
    let mut table = table_of([event(A, 1, "here", Some("1")), event(A, 2, "gone", Some("1"))]);
    let here = [row("here", "1", None)];
    let first = read_at(&mut table, 100, &here);
    assert_eq!((first.events.len(), first.unconfirmed, first.is_held), (0, 1, false));
    assert_eq!(first.read_again_at, Some(Duration::from_secs(101)));
    let too_soon = read_at(&mut table, 100, &here);
    assert_eq!((too_soon.events.len(), too_soon.unconfirmed), (0, 1), "no second reading, but the same");
    let second = read_at(&mut table, 101, &here);
    assert_eq!(reported(&second), [("gone".to_owned(), "delete")]);
    assert_eq!((second.unconfirmed, second.read_again_at, table.unconfirmed()), (0, None, 0));
}

#[test]
fn a_row_that_was_found_or_reported_in_the_meantime_is_waited_for_anew() {
    let mut table = table_of([event(A, 1, "here", Some("1")), event(A, 2, "k", Some("1"))]);
    let (here, both) = ([row("here", "1", None)], [row("here", "1", None), row("k", "1", None)]);
    read_at(&mut table, 100, &here);
    assert_eq!(read_at(&mut table, 200, &both), Compared::default(), "it is there again");
    assert_eq!(read_at(&mut table, 300, &here).unconfirmed, 1);
    merge(&mut table, DeliveryMode::Live, event(B, 3, "k", Some("2")));
    let reported_of = read_at(&mut table, 400, &here);
    assert_eq!((reported_of.events.len(), reported_of.unconfirmed), (0, 1), "it is another event's row now");
    assert_eq!(reported(&read_at(&mut table, 500, &here)), [("k".to_owned(), "delete")]);
}

#[test]
fn a_database_that_has_lost_its_rows_deletes_none_until_it_has_lacked_them_for_long() {
    let keys: Vec<String> = (0..40).map(|key| format!("k{key:02}")).collect();
    let events = keys.iter().zip(1..).map(|(key, number)| event(A, number, key, Some("1")));
    let rows: Vec<DatabaseRow> = keys.iter().map(|key| row(key, "1", None)).collect();
    for left in [0, 15] {
        let (mut table, left) = (table_of(events.clone()), &rows[..left]);
        let first = read_at(&mut table, 100, left);
        assert!(first.is_held && first.events.is_empty(), "{first:?}");
        assert_eq!(first.read_again_at, Some(Duration::from_secs(110)));
        assert!(read_at(&mut table, 105, left).events.is_empty(), "ten seconds are not over");
        let back = read_at(&mut table, 106, &rows);
        assert_eq!((back.events.len(), back.unconfirmed), (0, 0), "the rows were never gone");

        assert!(read_at(&mut table, 200, left).is_held);
        let confirmed = read_at(&mut table, 210, left);
        assert_eq!((confirmed.events.len(), confirmed.is_held), (40 - left.len(), false));
        assert_eq!(table.len(), left.len());
    }
}

/// Its delete was missed, and versions begin again after a delete.
#[test]
fn a_row_that_a_reading_did_not_find_is_set_by_the_first_event_of_the_next_object() {
    let versioned = |publisher, number, version| {
        let value = format!("{number}");
        with_version(version, event(publisher, number, "k", Some(&value)))
    };
    for (publisher, finds_nothing, merged, value) in
        [(A, true, Merge::Applied, "9"), (B, true, Merge::Applied, "9"), (A, false, Merge::Superseded, "4")]
    {
        let mut table = table_of([versioned(A, 4, 3)]);
        if finds_nothing {
            table.begin_comparison();
            assert_eq!(compare(&mut table, &[]).unconfirmed, 1);
        }
        assert_eq!(merge(&mut table, DeliveryMode::Live, versioned(publisher, 9, 1)), merged);
        assert_eq!(contents(&table).get("k"), Some(&Value::from(value)));
        if merged == Merge::Applied {
            let older = versioned(publisher, 10, 0);
            assert_eq!(merge(&mut table, DeliveryMode::Live, older), Merge::Superseded, "that was one event");
        }
    }
}
