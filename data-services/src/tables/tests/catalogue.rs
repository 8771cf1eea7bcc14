//! The sequencing tests of Congress's second engine (`tests/policy_engines/test_agnostic_dse2.py`, `tests/dse2/test_dse2.py`),
//! as behaviour of this one.

use std::collections::BTreeSet;

use super::direct::{Direct, one};
use super::world::{World, ms, stream};
use crate::KeyColumns;
use crate::tables::StreamPhase;

fn set<const N: usize>(numbers: [u64; N]) -> BTreeSet<u64> {
    numbers.into()
}

#[test]
fn whole_states_in_order_are_received_in_order() {
    let mut world = World::new(1, 1);
    world.declare("p", KeyColumns::Row);
    world.follow(0, "p");
    world.run(ms(300));
    for state in [&[1, 2][..], &[1, 2, 3, 4], &[1, 3], &[1, 4], &[1, 2]] {
        world.publish("p", state.iter().map(|number| one(*number)).collect());
        world.run(ms(5));
        world.assert_equal(0, "p");
        assert_eq!(world.replica(0, "p").rows.len(), state.len());
    }
    assert_eq!(world.replica(0, "p").updates.len(), 6);
}

#[test]
fn changes_out_of_order_wait_for_the_snapshot_and_older_ones_are_dropped() {
    let mut direct = Direct::new();
    direct.change("p", (1, 3), &[10], &[]);
    direct.change("p", (1, 7), &[4], &[3]);
    direct.change("p", (1, 6), &[], &[2, 4]);
    direct.change("p", (1, 5), &[3, 4], &[]);
    assert_eq!(direct.rows("p"), set([]));
    assert_ne!(direct.phase("p"), StreamPhase::Live);
    direct.snapshot("p", (1, 4), &[1, 2]);
    assert_eq!(direct.rows("p"), set([1, 4]));
    assert_eq!(direct.phase("p"), StreamPhase::Live);
}

#[test]
fn a_snapshot_may_begin_at_any_sequence() {
    let mut direct = Direct::new();
    direct.snapshot("p", (1, 1234), &[1, 2]);
    assert_eq!(direct.rows("p"), set([1, 2]));
    direct.change("p", (1, 1235), &[3], &[]);
    assert_eq!((direct.rows("p"), direct.phase("p")), (set([1, 2, 3]), StreamPhase::Live));
}

#[test]
fn of_several_changes_with_one_sequence_exactly_the_first_is_applied() {
    let mut direct = Direct::new();
    for number in [1, 2, 3] {
        direct.change("p", (1, 2), &[number], &[]);
    }
    direct.snapshot("p", (1, 1), &[]);
    assert_eq!(direct.rows("p"), set([1]));
    direct.change("p", (1, 2), &[4], &[]);
    assert_eq!(direct.rows("p"), set([1]));
}

#[test]
fn sequences_beyond_two_to_the_63_are_ordinary_ones_and_nothing_follows_the_highest() {
    for max in [i64::MAX as u64, u64::MAX - 3] {
        let mut direct = Direct::new();
        direct.snapshot("p", (1, max), &[1, 2]);
        direct.change("p", (1, max + 1), &[], &[2]);
        assert_eq!(direct.rows("p"), set([1]));
        direct.change("p", (1, max), &[2], &[]);
        direct.change("p", (1, max + 3), &[4], &[]);
        assert_eq!(direct.rows("p"), set([1]));
        direct.change("p", (1, max + 2), &[3], &[]);
        assert_eq!(direct.rows("p"), set([1, 3, 4]));
    }
}

#[test]
fn tables_are_independent_of_each_other() {
    let mut direct = Direct::new();
    direct.snapshot("p", (1, 1), &[7]);
    direct.change("q", (1, 3), &[2], &[]);
    direct.change("p", (1, 2), &[8], &[]);
    assert_eq!((direct.rows("p"), direct.rows("q")), (set([7, 8]), set([])));
    direct.snapshot("q", (1, 2), &[1]);
    assert_eq!((direct.rows("p"), direct.rows("q")), (set([7, 8]), set([1, 2])));
}

#[test]
fn two_thousand_changes_in_reverse_order_are_applied_in_order() {
    let mut direct = Direct::new();
    for sequence in (2..=2_000).rev() {
        direct.change("p", (1, sequence), &[sequence], &[sequence - 1]);
    }
    assert_eq!(direct.rows("p"), set([]));
    direct.change("p", (1, 1), &[1], &[]);
    assert_eq!((direct.rows("p"), direct.phase("p")), (set([2_000]), StreamPhase::Live));
}

#[test]
fn a_snapshot_that_is_newer_than_expected_is_applied_at_once() {
    let mut direct = Direct::new();
    direct.snapshot("p", (1, 1), &[1]);
    direct.snapshot("p", (1, 9), &[9]);
    assert_eq!(direct.rows("p"), set([9]));
    direct.change("p", (1, 5), &[5], &[]);
    assert_eq!(direct.rows("p"), set([9]));
    direct.change("p", (1, 10), &[10], &[]);
    assert_eq!(direct.rows("p"), set([9, 10]));
}

#[test]
fn a_snapshot_that_the_stream_has_overtaken_changes_nothing() {
    let mut direct = Direct::new();
    direct.snapshot("p", (1, 1), &[1]);
    direct.change("p", (1, 2), &[2], &[]);
    direct.snapshot("p", (1, 1), &[1]);
    assert_eq!((direct.rows("p"), direct.phase("p")), (set([1, 2]), StreamPhase::Live));
}

#[test]
fn messages_of_another_instance_than_the_publisher_are_dropped() {
    let mut direct = Direct::new();
    direct.snapshot("p", (1, 1), &[1]);
    let message = crate::tables::TableMessage::Unknown(stream("p"));
    direct.tables.received(ms(5), &super::world::node(7), &message, &mut direct.effects);
    assert_eq!(direct.tables.foreign(), 1);
    direct.change("p", (1, 2), &[2], &[]);
    assert_eq!(direct.phase("p"), StreamPhase::Live);
}

#[test]
fn one_of_two_tables_can_be_unfollowed() {
    let mut world = World::new(1, 2);
    world.declare("p", KeyColumns::Row);
    world.declare("q", KeyColumns::Row);
    world.follow(0, "p");
    world.follow(0, "q");
    world.run(ms(300));
    world.unfollow(0, "q");
    world.publish("p", vec![one(1)]);
    world.publish("q", vec![one(2)]);
    world.run(ms(300));
    world.assert_equal(0, "p");
    assert!(world.followers[0].tables.rows(&stream("q")).is_none());
}

#[test]
fn a_stream_that_is_followed_before_its_service_exists_receives_the_first_change_at_once() {
    for is_published in [true, false] {
        let mut world = World::new(1, 3);
        world.follow(0, "p");
        world.run(ms(20_000));
        assert_eq!(world.phase(0, "p"), StreamPhase::Waiting);
        assert!(world.replica(0, "p").updates.is_empty(), "nothing is taken for an empty table");
        world.declare("p", KeyColumns::Row);
        if is_published {
            world.publish("p", vec![one(1)]);
        }
        world.run(ms(100));
        world.assert_equal(0, "p");
        let updates = &world.replica(0, "p").updates;
        assert!(updates.len() <= 2 && updates[0].is_snapshot, "{updates:?}");
    }
}
