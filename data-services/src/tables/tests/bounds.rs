//! Bounds, and what happens at them.

use pubsub_api::ErrorKind;

use super::direct::{Direct, one};
use super::world::{World, first_column, ms, row, stream};
use crate::tables::message::{ChangePart, Page};
use crate::tables::{StreamPhase, TableMessage, TableOptions};
use crate::{KeyColumns, Row};

#[test]
fn a_table_beyond_its_bound_is_refused_and_nothing_is_changed() {
    let mut world = World::with_options(1, 1, TableOptions { table_bytes: 1_000, ..TableOptions::default() });
    world.declare("p", KeyColumns::Row);
    world.publish("p", vec![row(1, 1)]);
    let mut effects = vec![];
    let many: Vec<Row> = (0..100).map(|key| row(key, 0)).collect();
    let error = world.publisher.publish(&stream("p"), many.clone(), &mut effects).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert!(error.to_string().contains("table_bytes"), "{error}");
    let error = world.publisher.change(&stream("p"), many, vec![], &mut effects).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert!(effects.is_empty());
    assert_eq!(world.publisher.rows(&stream("p")).unwrap(), [row(1, 1)]);
    assert_eq!(world.publisher.position(&stream("p")).unwrap().sequence, 1);
}

#[test]
fn invalid_rows_are_refused_with_the_table_and_the_reason() {
    let mut world = World::new(1, 2);
    world.declare("p", first_column());
    let mut effects = vec![];
    let large = Row::of(&(1, "x".repeat(256 * 1024))).unwrap();
    let both = (vec![row(1, 1)], vec![first_column().key_of(&row(1, 0)).unwrap()]);
    for (put, deleted, reason) in [
        (vec![Row::parse("{}").unwrap()], vec![], "lacks a key column"),
        (vec![row(1, 1), row(1, 2)], vec![], "have one key"),
        (vec![large], vec![], "at most 262144 bytes"),
        (both.0, both.1, "put and deleted in one change"),
    ] {
        let error = world.publisher.change(&stream("p"), put, deleted, &mut effects).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = error.to_string();
        assert!(text.contains(reason) && text.contains("nova/p"), "{text}");
    }
    let error = world.publisher.publish(&stream("q"), vec![], &mut effects).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let raw = serde_json::json!("x".repeat(256 * 1024));
    assert!(world.publisher.send_raw(&stream("p"), raw, &mut effects).is_err());
    assert!(effects.is_empty());
}

#[test]
fn the_largest_rows_fit_into_packets() {
    let mut world = World::new(1, 3);
    world.declare("p", KeyColumns::Row);
    world.follow(0, "p");
    world.run(ms(300));
    let largest = |letter: &str| Row::of(&[letter.repeat(256 * 1024 - 4)]).unwrap();
    let rows: Vec<Row> = ["a", "b", "c", "d", "e"].map(largest).into();
    assert_eq!(rows[0].as_json().len(), 256 * 1024);
    world.publish("p", rows);
    world.publish("p", vec![]);
    world.run(ms(50));
    world.assert_equal(0, "p");
    assert_eq!(world.replica(0, "p").updates.len(), 3);
}

#[test]
fn a_snapshot_beyond_the_followers_bound_is_refused_by_name_and_never_live() {
    let mut world =
        World::with_options(1, 4, TableOptions { followed_bytes: 2_000, ..TableOptions::default() });
    world.declare("p", KeyColumns::Row);
    world.publish("p", (0..100).map(|key| row(key, 0)).collect());
    world.follow(0, "p");
    world.run(ms(60_000));
    let refused = &world.followers[0].refused;
    assert!((2..30).contains(&refused.len()), "{} refusals in a minute", refused.len());
    assert!(refused[0].contains("followed_bytes") && refused[0].contains("nova/p"), "{}", refused[0]);
    assert_eq!(world.phase(0, "p"), StreamPhase::Syncing);
    world.publish("p", vec![row(1, 1)]);
    world.run(ms(6_000));
    world.assert_equal(0, "p");
}

#[test]
fn hostile_parts_and_pages_are_dropped_and_counted() {
    let mut direct = Direct::new();
    direct.snapshot("p", (1, 1), &[1]);
    let position = delivery::Position { epoch: 1, sequence: 2 };
    let part = ChangePart {
        stream: stream("p"),
        position,
        part: 0,
        parts: u32::MAX,
        is_replay: false,
        key: KeyColumns::Row,
        put: vec![one(2)],
        deleted: vec![],
        group: vec![],
        trace: None,
    };
    let no_part = ChangePart { parts: 0, ..part.clone() };
    let beyond = ChangePart { part: 3, parts: 3, ..part.clone() };
    let other_count = ChangePart { part: 1, parts: 2, ..part.clone() };
    let other_key = ChangePart { key: first_column(), parts: 1, ..part.clone() };
    direct.receive(TableMessage::Change(part));
    let bad = [no_part, beyond, other_count, other_key];
    for (count, part) in (1..).zip(bad) {
        direct.receive(TableMessage::Change(part));
        assert_eq!(direct.tables.counters(&stream("p")).unwrap().invalid, count);
    }
    let page = Page {
        stream: stream("p"),
        position: delivery::Position { epoch: 1, sequence: 9 },
        page: 0,
        pages: u32::MAX,
        key: KeyColumns::Row,
        rows: vec![],
        partners: vec![],
    };
    direct.receive(TableMessage::Page(page));
    assert_eq!(direct.tables.counters(&stream("p")).unwrap().invalid, 5);
    assert_eq!(direct.rows("p").len(), 1);
    direct.change("p", (1, 2), &[2], &[]);
    assert_eq!(direct.rows("p").len(), 2);
}

#[test]
fn messages_of_an_epoch_that_has_ended_are_dropped_and_counted() {
    let mut direct = Direct::new();
    direct.snapshot("p", (2, 5), &[1]);
    direct.change("p", (1, 6), &[2], &[]);
    direct.snapshot("p", (1, 9), &[2]);
    assert_eq!(direct.rows("p").len(), 1);
    // The change, its mark and the page.
    assert_eq!(direct.tables.counters(&stream("p")).unwrap().outdated, 3);
}
