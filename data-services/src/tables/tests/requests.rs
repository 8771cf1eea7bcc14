//! Peers that request more than their share.

use delivery::Position;

use super::world::{first_column, ms, node, row, stream};
use crate::packet::Outgoing;
use crate::tables::limits::{REQUEST_BURST_BYTES, REQUEST_BYTES, REQUEST_BYTES_PER_SECOND};
use crate::tables::message::{Open, Pull};
use crate::tables::{PublishEffect, PublishedTables, TableMessage, TableOptions};

/// A table whose snapshot has several pages.
fn published() -> PublishedTables {
    let options = TableOptions { part_bytes: 16 * 1024, ..TableOptions::default() };
    let mut tables = PublishedTables::new(options);
    let mut effects = Vec::new();
    tables.declare(stream("p"), first_column(), 1, &mut effects);
    tables.publish(&stream("p"), (0..2_000).map(|key| row(key, key)), &mut effects).unwrap();
    tables
}

fn open() -> TableMessage {
    TableMessage::Open(Open { stream: stream("p"), have: Position::NONE, token: None })
}

fn pull() -> TableMessage {
    let snapshot = Position { epoch: 1, sequence: 1 };
    TableMessage::Pull(Pull { stream: stream("p"), snapshot, pages: (0..8).collect() })
}

/// Sends a request many times at one time; returns the number of messages and of bytes of the answers.
fn flood(tables: &mut PublishedTables, at: u64, peer: u64, request: &TableMessage, times: u64) -> (u64, u64) {
    let (mut messages, mut bytes) = (0, 0);
    for _ in 0..times {
        let mut effects = Vec::new();
        tables.received(ms(at), &node(peer), request, &mut effects);
        messages +=
            effects.iter().filter(|one| matches!(one, PublishEffect::Send(Outgoing { .. }))).count() as u64;
        bytes += effects.iter().map(PublishEffect::bytes).sum::<usize>() as u64;
    }
    (messages, bytes)
}

#[test]
fn a_peer_that_floods_requests_gets_its_share_and_others_get_theirs() {
    for request in [open(), pull()] {
        let mut tables = published();
        let (_, bytes) = flood(&mut tables, 0, 2, &request, 100_000);
        let one_answer = 8 * 2 * 16 * 1024;
        assert!(bytes > 0 && bytes <= REQUEST_BURST_BYTES + one_answer, "{request:?}: {bytes} bytes");
        assert!(tables.requests_refused() > 0);
        assert_eq!(flood(&mut tables, 0, 2, &request, 100), (0, 0), "its share is spent");
        assert!(flood(&mut tables, 0, 3, &request, 1).0 > 0, "another peer is answered");
        let (_, later) = flood(&mut tables, 1_000, 2, &request, 100_000);
        assert!(
            later > 0 && later <= REQUEST_BYTES_PER_SECOND + one_answer,
            "one second later: {later} bytes"
        );
    }
}

#[test]
fn requests_that_are_answered_by_little_have_a_bound_too() {
    let mut tables = published();
    let TableMessage::Open(unknown) = open() else { panic!("an Open") };
    let unknown = TableMessage::Open(Open { stream: stream("none"), ..unknown });
    let (messages, _) = flood(&mut tables, 0, 2, &unknown, 100_000);
    assert_eq!(messages, REQUEST_BURST_BYTES / REQUEST_BYTES as u64);
}

#[test]
fn a_flood_is_reported_once_in_ten_seconds_with_its_number() {
    let mut tables = published();
    let mut reports = Vec::new();
    for second in 0..20 {
        for _ in 0..15_000 {
            let mut effects = Vec::new();
            tables.received(ms(second * 1_000), &node(2), &open(), &mut effects);
            reports.extend(effects.into_iter().filter_map(|effect| match effect {
                PublishEffect::TooManyRequests { peer, refused } => Some((peer, refused)),
                _ => None,
            }));
        }
    }
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert!(reports.iter().all(|(peer, _)| *peer == node(2)) && reports[1].1 > 1, "{reports:?}");
}

#[test]
fn the_number_of_budgets_is_bounded_and_peers_that_rest_make_room() {
    let mut tables = published();
    for peer in 0..3_000 {
        flood(&mut tables, 0, 10 + peer, &open(), 1);
    }
    assert_eq!(flood(&mut tables, 0, 5_000, &open(), 1).0, 0);
    assert!(flood(&mut tables, 20_000, 5_000, &open(), 1).0 > 0);
}
