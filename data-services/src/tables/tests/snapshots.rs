//! Snapshots in pages, and changes in parts.

use std::time::Duration;

use super::network::Faults;
use super::world::{World, first_column, ms, row};
use crate::Row;
use crate::tables::{StreamPhase, TableMessage, TableOptions};

fn small_parts() -> TableOptions {
    TableOptions { part_bytes: 1000, ..TableOptions::default() }
}

fn rows(range: std::ops::Range<u64>, value: u64) -> Vec<Row> {
    range.map(|key| row(key, value)).collect()
}

fn pages(world: &World) -> usize {
    world.sent.iter().filter(|(_, message)| matches!(message, TableMessage::Page(_))).count()
}

#[test]
fn a_snapshot_of_many_pages_arrives_whole_under_loss_and_changes() {
    let mut world = World::with_options(2, 1, small_parts());
    world.declare("p", first_column());
    world.publish("p", rows(0..1_000, 0));
    world.faults = Faults { loss: 20, duplication: 20, delay: ms(50) };
    world.follow(0, "p");
    for change in 1..20 {
        world.run(ms(100));
        world.publish("p", rows(change * 10..1_000, change));
        if change == 5 {
            world.follow(1, "p");
        }
    }
    world.run(Duration::from_secs(60));
    world.faults = Faults::NONE;
    world.run(Duration::from_secs(10));
    world.assert_equal(0, "p");
    world.assert_equal(1, "p");
}

#[test]
fn followers_that_begin_together_share_one_snapshot_which_is_dropped_when_nobody_pulls_it() {
    let mut world = World::with_options(10, 2, small_parts());
    world.declare("p", first_column());
    world.publish("p", rows(0..300, 0));
    for follower in 0..10 {
        world.follow(follower, "p");
        world.run(ms(1));
        world.publish(
            "p",
            rows(0..300, 1 + follower as u64 % 2).into_iter().take(299).chain([row(9_999, 1)]).collect(),
        );
    }
    world.run(ms(3_000));
    for follower in 0..10 {
        world.assert_equal(follower, "p");
    }
    assert!(world.publisher.deadline().is_some_and(|at| at > world.now), "it is kept");
    world.run(Duration::from_secs(40));
    assert_eq!(world.publisher.deadline(), None, "nothing is kept, and nobody is waited for");
}

#[test]
fn of_a_snapshot_at_most_eight_pages_are_on_their_way() {
    let mut world = World::with_options(1, 3, small_parts());
    world.declare("p", first_column());
    world.publish("p", rows(0..1_000, 0));
    world.follow(0, "p");
    world.run(ms(2));
    world.drops = Box::new(|message| matches!(message, TableMessage::Pull(_)));
    world.run(ms(100));
    assert!(pages(&world) <= 9, "{} pages", pages(&world));
    assert_eq!(world.phase(0, "p"), StreamPhase::Syncing);
    assert!(world.replica(0, "p").updates.is_empty(), "no part of a snapshot is applied");
    world.drops = Box::new(|_| false);
    world.run(ms(5_000));
    world.assert_equal(0, "p");
    let all = pages(&world);
    assert!((60..130).contains(&all), "{all} pages");
}

#[test]
fn a_snapshot_whose_publisher_restarts_between_two_pages_begins_again() {
    let mut world = World::with_options(1, 4, small_parts());
    world.declare("p", first_column());
    world.publish("p", rows(0..1_000, 0));
    world.follow(0, "p");
    world.run(ms(6));
    assert!((2..60).contains(&pages(&world)), "{} pages", pages(&world));
    world.declare("p", first_column());
    world.publish("p", rows(500..1_500, 7));
    world.run(ms(5_000));
    world.assert_equal(0, "p");
    let updates = &world.replica(0, "p").updates;
    assert!(updates.iter().all(|update| update.position.epoch == 2), "{:?}", updates.len());
}

#[test]
fn a_large_change_travels_in_parts_and_is_applied_together() {
    let mut world = World::with_options(1, 5, small_parts());
    world.declare("p", first_column());
    world.follow(0, "p");
    world.run(ms(300));
    world.publish("p", rows(0..500, 1));
    let parts = world.sent.iter().filter(|(_, message)| matches!(message, TableMessage::Change(_))).count();
    assert!(parts > 30, "{parts} parts");
    world.run(ms(10));
    world.assert_equal(0, "p");
    assert_eq!(world.replica(0, "p").updates.len(), 2);
    let mut lost = false;
    world.drops = Box::new(move |message| {
        let is_seventh = matches!(message, TableMessage::Change(part) if part.part == 7);
        is_seventh && !std::mem::replace(&mut lost, true)
    });
    world.publish("p", rows(0..400, 2));
    world.run(ms(400));
    assert_eq!(world.replica(0, "p").updates.len(), 2, "no part is applied alone");
    world.run(ms(600));
    world.assert_equal(0, "p");
    assert!(world.replica(0, "p").phases.ends_with(&[StreamPhase::Recovering, StreamPhase::Live]));
}

#[test]
fn a_change_that_is_larger_than_the_ring_is_announced_and_comes_as_a_snapshot() {
    let options = TableOptions { ring_bytes: 5_000, ..small_parts() };
    let mut world = World::with_options(1, 6, options);
    world.declare("p", first_column());
    world.follow(0, "p");
    world.run(ms(300));
    let before = pages(&world);
    world.publish("p", rows(0..500, 1));
    world.run(ms(500));
    world.assert_equal(0, "p");
    assert!(pages(&world) > before + 30);
    assert!(!world.sent.iter().any(|(_, message)| matches!(message, TableMessage::Change(_))));
}

#[test]
fn a_long_replay_is_requested_piece_by_piece() {
    let mut world = World::new(1, 7);
    world.declare("p", first_column());
    let text = "x".repeat(100_000);
    let wide = |key: u64, value: u64| Row::of(&(key, value, &text)).unwrap();
    world.publish("p", (0..50).map(|key| wide(key, 0)).collect());
    world.follow(0, "p");
    world.run(ms(500));
    world.is_cut = true;
    for key in 0..30 {
        let put = vec![wide(key, 1)];
        let change = crate::Difference { put, deleted: vec![] };
        world.commit(vec![("p", crate::tables::TableChange::Difference(change))]);
    }
    world.is_cut = false;
    let before = pages(&world);
    world.run(ms(2_000));
    world.assert_equal(0, "p");
    assert_eq!(pages(&world), before, "no snapshot was necessary");
}
