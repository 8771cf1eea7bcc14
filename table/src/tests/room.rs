//! The bound of a table's memory.

use std::sync::Arc;
use std::time::Duration;

use pubsub_api::{Event, SEND_ALL};

use super::{A, event, merge, replace, snapshot};
use crate::{AbsenceRule, DatabaseRow, Merge, Table};
use delivery::subscriber::DeliveryMode;

/// Room for one row of a thousand bytes, and not for two.
const BOUND: usize = 2600;

fn row(number: u64, key: &str, bytes: usize) -> Event {
    event(A, number, key, Some(&"x".repeat(bytes)))
}

/// A table with one row of a thousand bytes.
fn with_one_row() -> Table {
    let mut table = Table::default();
    table.set_bound(BOUND);
    assert_eq!(merge(&mut table, DeliveryMode::Live, row(1, "a", 1000)), Merge::Applied);
    table
}

#[test]
fn a_row_that_does_not_fit_is_refused_on_every_path_and_nothing_else_changes() {
    let mut table = with_one_row();
    let bytes = table.bytes();
    assert_eq!(merge(&mut table, DeliveryMode::Live, row(2, "b", 1000)), Merge::Refused);
    assert_eq!(merge(&mut table, DeliveryMode::Replay, row(2, "b", 1000)), Merge::Refused);
    let differences = replace(&mut table, &snapshot(A, &[row(1, "a", 1000), row(2, "b", 1000)]));
    assert_eq!((differences.events.len(), differences.no_room), (0, 1));
    let database = ["a", "b"].map(|key| DatabaseRow {
        table: "t".to_owned(),
        key: key.to_owned(),
        topic: SEND_ALL,
        value: "x".repeat(1000),
        version: None,
    });
    let rule = AbsenceRule {
        confirm_after: Duration::from_secs(1),
        max_percent: 100,
        mass_after: Duration::from_secs(1),
    };
    table.begin_comparison();
    let compared = table.compare(&database, 0, rule, |_| true);
    assert_eq!((compared.events.len(), compared.no_room), (0, 1));
    assert!(table.is_full() && !table.has_room());
    assert_eq!((table.len(), table.bytes()), (1, bytes));
}

#[test]
fn a_change_that_needs_no_more_than_its_row_and_a_delete_are_applied_in_a_full_table() {
    let mut table = with_one_row();
    assert_eq!(merge(&mut table, DeliveryMode::Live, row(2, "b", 1000)), Merge::Refused);
    assert_eq!(merge(&mut table, DeliveryMode::Live, row(3, "a", 5000)), Merge::Refused);
    assert_eq!(table.get("t", "a").unwrap().stamp.unwrap().sequence, 1, "the row stays as it is");
    assert_eq!(merge(&mut table, DeliveryMode::Live, row(4, "a", 900)), Merge::Applied);
    assert_eq!(merge(&mut table, DeliveryMode::Live, event(A, 5, "unknown", None)), Merge::Applied);
    assert_eq!(merge(&mut table, DeliveryMode::Live, event(A, 6, "a", None)), Merge::Applied);
    assert!(table.is_empty());
}

#[test]
fn there_is_room_when_the_largest_refused_row_fits_and_none_is_full_after_it_is_forgotten() {
    let mut table = with_one_row();
    assert_eq!(merge(&mut table, DeliveryMode::Live, row(2, "b", 1500)), Merge::Refused);
    assert_eq!(merge(&mut table, DeliveryMode::Live, row(3, "c", 900)), Merge::Refused);
    merge(&mut table, DeliveryMode::Live, row(4, "a", 500));
    assert!(!table.has_room(), "the smaller one fits, the larger one does not");
    merge(&mut table, DeliveryMode::Live, event(A, 5, "a", None));
    table.tick(table.now + Duration::from_secs(601));
    assert!(table.has_room() && table.is_full());
    table.forget_refused();
    assert!(!table.is_full());
    table.set_bound(usize::MAX);
    assert!(table.has_room(), "a bound that is raised");
}

#[test]
fn the_bytes_of_rows_are_those_of_the_rows_that_are_left() {
    let mut table = Table::default();
    for number in 1..100 {
        merge(&mut table, DeliveryMode::Live, row(number, &format!("k{}", number % 7), 10));
    }
    let rest: Table = table.iter().cloned().collect::<Vec<Arc<Event>>>().into_iter().collect();
    assert_eq!(table.bytes(), rest.bytes());
    for key in 0..7 {
        merge(&mut table, DeliveryMode::Live, event(A, 100 + key, &format!("k{key}"), None));
    }
    assert!(table.bytes() > 0, "tombstones count");
    table.tick(table.now + Duration::from_secs(601));
    assert_eq!(table.bytes(), 0);
}
