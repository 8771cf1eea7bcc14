//! Histories in which Congress's second engine ended with other rows than the publisher: each ends with equal rows here.

use super::direct::one;
use super::world::{World, ms, stream};
use crate::tables::{StreamPhase, TableMessage};
use crate::{KeyColumns, Row};

fn rows(numbers: &[u64]) -> Vec<Row> {
    numbers.iter().map(|number| one(*number)).collect()
}

fn world(followers: usize) -> World {
    let mut world = World::new(followers, 7);
    world.declare("p", KeyColumns::Row);
    world
}

/// Drops these sequences of the stream itself, whenever they are sent first.
fn drop_changes(world: &mut World, sequences: &'static [u64]) {
    world.drops = Box::new(
        move |message| matches!(message, TableMessage::Change(part) if !part.is_replay && sequences.contains(&part.position.sequence)),
    );
}

#[test]
fn rows_of_a_publisher_that_restarted_do_not_survive_its_first_change() {
    let mut world = world(1);
    world.publish("p", rows(&[1, 2, 3]));
    world.follow(0, "p");
    world.run(ms(300));
    world.declare("p", KeyColumns::Row);
    world.publish("p", rows(&[9]));
    world.run(ms(500));
    world.assert_equal(0, "p");
    let last = world.replica(0, "p").updates.last().unwrap();
    assert!(last.is_snapshot && last.added == rows(&[9]) && last.removed.len() == 3, "{last:?}");
}

#[test]
fn changes_after_a_restart_are_not_taken_for_old_ones_if_another_follower_was_first() {
    let mut world = world(2);
    for state in [&[1][..], &[2], &[3], &[4]] {
        world.publish("p", rows(state));
    }
    world.follow(0, "p");
    world.run(ms(300));
    world.declare("p", KeyColumns::Row);
    world.follow(1, "p");
    world.run(ms(5));
    for state in [&[10][..], &[11], &[12]] {
        world.publish("p", rows(state));
    }
    world.run(ms(500));
    world.assert_equal(0, "p");
    world.assert_equal(1, "p");
}

#[test]
fn the_last_change_before_silence_is_not_lost() {
    let mut world = world(1);
    world.publish("p", rows(&[1]));
    world.follow(0, "p");
    world.run(ms(300));
    drop_changes(&mut world, &[2]);
    world.publish("p", rows(&[2]));
    world.run(ms(1_600));
    world.assert_equal(0, "p");
    assert!(world.replica(0, "p").phases.contains(&StreamPhase::Recovering), "it was reported");
}

#[test]
fn a_second_gap_after_a_partial_drain_is_repaired_as_the_first() {
    let mut world = world(1);
    world.follow(0, "p");
    world.run(ms(300));
    drop_changes(&mut world, &[2, 4, 7]);
    for number in 1..=8 {
        world.publish("p", rows(&[number]));
        world.run(ms(150));
    }
    world.assert_equal(0, "p");
    let recoveries = world.replica(0, "p").phases.iter().filter(|phase| **phase == StreamPhase::Recovering);
    assert_eq!(recoveries.count(), 3);
}

#[test]
fn a_gap_is_repaired_although_nothing_else_is_published() {
    let mut world = world(1);
    world.follow(0, "p");
    world.run(ms(300));
    drop_changes(&mut world, &[1]);
    world.publish("p", rows(&[1]));
    world.publish("p", rows(&[2]));
    let before = world.now;
    world.run(ms(100));
    world.assert_equal(0, "p");
    assert!(world.now - before < ms(1000), "not after the next heartbeat only");
}

#[test]
fn a_follower_of_a_service_that_is_gone_is_stale_and_live_again_when_it_returns() {
    let mut world = world(1);
    world.publish("p", rows(&[1]));
    world.follow(0, "p");
    world.run(ms(300));
    world.publisher.withdraw(&stream("p").service);
    world.run(ms(6_000));
    assert_eq!(world.phase(0, "p"), StreamPhase::Stale);
    assert_eq!(world.replica(0, "p").rows.len(), 1, "the rows stay readable");
    world.declare("p", KeyColumns::Row);
    world.run(ms(300));
    world.assert_equal(0, "p");
    assert!(world.replica(0, "p").rows.is_empty());
}

#[test]
fn a_whole_state_and_a_change_are_counted_from_the_same_rows() {
    let mut world = world(1);
    world.publish("p", rows(&[1, 2]));
    world.follow(0, "p");
    world.run(ms(300));
    let difference = crate::Difference { put: rows(&[3]), deleted: vec![super::direct::key(1)] };
    world.commit(vec![("p", crate::tables::TableChange::Difference(difference))]);
    assert_eq!(world.publish("p", rows(&[2, 3])), 0);
    world.run(ms(10));
    world.assert_equal(0, "p");
}
