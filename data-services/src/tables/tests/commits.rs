//! Changes of several tables that are applied together.

use super::network::Faults;
use super::world::{World, first_column, ms, row, stream};
use crate::Row;
use crate::tables::{StreamPhase, TableChange, TableMessage, TableOptions};

/// The commit of this number: both tables have it with key 0.
fn commit(world: &mut World, number: u64) {
    let put = || TableChange::Difference(crate::Difference { put: vec![row(0, number)], deleted: vec![] });
    assert_eq!(world.commit(vec![("p", put()), ("q", put())]), 2);
}

fn world(seed: u64, options: TableOptions) -> World {
    let mut world = World::with_options(2, seed, options);
    for table in ["p", "q"] {
        world.declare(table, first_column());
    }
    for table in ["p", "q"] {
        world.follow(0, table);
    }
    world.run(ms(400));
    world
}

fn drop_first_sends(world: &mut World, table: &'static str) {
    world.drops = Box::new(
        move |message| matches!(message, TableMessage::Change(part) if !part.is_replay && part.stream == stream(table)),
    );
}

#[test]
fn changes_of_one_commit_are_applied_together() {
    let mut world = world(1, TableOptions::default());
    for number in 1..=10 {
        commit(&mut world, number);
    }
    world.run(ms(20));
    world.assert_equal(0, "p");
    world.assert_equal(0, "q");
    let transactions = &world.followers[0].transactions;
    assert!(transactions.iter().rev().take(10).all(|tables| tables.len() == 2), "{transactions:?}");
}

#[test]
fn a_commit_waits_for_a_change_that_was_lost_and_is_repaired_without_a_heartbeat() {
    let mut world = world(2, TableOptions::default());
    world.has_heartbeats = false;
    commit(&mut world, 1);
    world.run(ms(20));
    drop_first_sends(&mut world, "q");
    commit(&mut world, 2);
    world.run(ms(100));
    assert!(world.replica(0, "p").rows.contains(&row(0, 1)), "it waits");
    world.run(ms(400));
    world.assert_equal(0, "p");
    world.assert_equal(0, "q");
    assert_eq!(world.followers[0].transactions.last().unwrap().len(), 2);
}

#[test]
fn a_commit_that_waits_long_is_reported() {
    let mut world = world(3, TableOptions::default());
    commit(&mut world, 1);
    world.run(ms(20));
    world.drops = Box::new(|message| *message.stream() == stream("q"));
    commit(&mut world, 2);
    world.run(ms(900));
    assert_eq!(world.phase(0, "p"), StreamPhase::Recovering);
    assert!(world.replica(0, "p").rows.contains(&row(0, 1)));
    world.drops = Box::new(|_| false);
    world.run(ms(6_000));
    world.assert_equal(0, "p");
    world.assert_equal(0, "q");
}

#[test]
fn a_snapshot_past_a_change_counts_as_done_and_is_applied_with_what_waited_for_it() {
    let mut world = world(4, TableOptions { ring_bytes: 300, ..TableOptions::default() });
    commit(&mut world, 1);
    world.run(ms(20));
    world.drops = Box::new(|message| *message.stream() == stream("q"));
    for number in 2..8 {
        commit(&mut world, number);
    }
    world.run(ms(20));
    assert!(world.replica(0, "p").rows.contains(&row(0, 1)), "it waits");
    world.drops = Box::new(|_| false);
    world.run(ms(6_000));
    world.assert_equal(0, "p");
    world.assert_equal(0, "q");
    let last = world.followers[0].transactions.last().unwrap();
    assert_eq!(last.len(), 7, "the snapshot of q and six changes of p: {last:?}");
}

#[test]
fn a_snapshot_waits_for_the_other_table_of_an_earlier_commit() {
    let mut world = world(8, TableOptions { ring_bytes: 300, ..TableOptions::default() });
    commit(&mut world, 1);
    world.run(ms(20));
    world.drops = Box::new(|_| true);
    commit(&mut world, 2);
    // A commit of this table alone hides nothing of the earlier one.
    for number in 3..8 {
        world.publish("p", vec![row(0, number), row(1, number)]);
    }
    world.run(ms(20));
    world.drops = Box::new(|message| *message.stream() == stream("q"));
    world.run(ms(2_000));
    assert_eq!(world.phase(0, "p"), StreamPhase::Recovering);
    assert!(world.replica(0, "p").rows.contains(&row(0, 1)), "the snapshot of p waits");
    world.drops = Box::new(|_| false);
    world.run(ms(6_000));
    world.assert_equal(0, "p");
    world.assert_equal(0, "q");
    let last = world.followers[0].transactions.last().unwrap();
    assert_eq!(last.len(), 2, "the snapshot of p and the change of q: {last:?}");
}

#[test]
fn the_first_content_of_a_table_waits_until_it_has_caught_up_with_the_others() {
    let mut world = World::with_options(1, 9, TableOptions::default());
    for table in ["p", "q"] {
        world.declare(table, first_column());
    }
    world.publish("q", (1..20).map(|key| row(key, key)).collect());
    world.follow(0, "p");
    world.run(ms(400));
    commit(&mut world, 1);
    world.drops =
        Box::new(|message| *message.stream() == stream("q") && !matches!(message, TableMessage::Open(_)));
    world.follow(0, "q");
    world.run(ms(20));
    commit(&mut world, 2);
    world.run(ms(20));
    assert!(world.replica(0, "p").rows.contains(&row(0, 2)), "p does not wait for a table without content");
    // The publisher repeats the snapshot, which it keeps for a while, and the change after it is lost.
    world.drops =
        Box::new(|message| matches!(message, TableMessage::Change(part) if part.stream == stream("q")));
    world.run(ms(1_000));
    let pages = world.sent.iter().filter_map(|(_, message)| match message {
        TableMessage::Page(page) => Some(page.position.sequence),
        _ => None,
    });
    assert_eq!(pages.max(), Some(2), "the snapshot is the one of the first commit");
    assert!(world.replica(0, "q").updates.is_empty(), "q has no content before it has caught up");
    world.drops = Box::new(|_| false);
    world.run(ms(6_000));
    world.assert_equal(0, "q");
}

#[test]
fn nothing_waits_for_a_table_that_is_not_followed_any_more_or_has_no_content_yet() {
    let mut world = world(5, TableOptions::default());
    world.follow(1, "p");
    world.run(ms(400));
    commit(&mut world, 1);
    world.run(ms(5));
    world.assert_equal(1, "p");
    world.drops = Box::new(|message| *message.stream() == stream("q"));
    world.follow(1, "q");
    commit(&mut world, 2);
    world.run(ms(5));
    world.assert_equal(1, "p");
    assert!(world.replica(0, "p").rows.contains(&row(0, 1)), "this one waits");
    world.unfollow(0, "q");
    world.assert_equal(0, "p");
}

#[test]
fn what_waits_for_a_commit_is_bounded() {
    let mut options = TableOptions { ring_bytes: 300, ..TableOptions::default() };
    options.buffer.events = 4;
    let mut world = world(6, options);
    commit(&mut world, 1);
    world.run(ms(20));
    world.drops = Box::new(|message| *message.stream() == stream("q"));
    for number in 2..40 {
        commit(&mut world, number);
        world.run(ms(10));
    }
    assert_ne!(world.phase(0, "p"), StreamPhase::Live);
    world.drops = Box::new(|_| false);
    world.run(ms(11_000));
    world.assert_equal(0, "p");
    world.assert_equal(0, "q");
}

#[test]
fn commits_stay_together_under_loss_duplication_and_reordering() {
    let mut together = 0;
    for seed in 0..30 {
        let mut world = world(100 + seed, TableOptions { part_bytes: 200, ..TableOptions::default() });
        world.faults = Faults { loss: 15, duplication: 15, delay: ms(80) };
        for number in 1..60 {
            let rows = |rows: u64| {
                let rows: Vec<Row> = (1..rows).map(|key| row(key, number)).chain([row(0, number)]).collect();
                TableChange::Rows(rows)
            };
            let (p, q) = (world.rng.u64(1..12), world.rng.u64(1..12));
            world.commit(vec![("p", rows(p)), ("q", rows(q))]);
            let pause = world.rng.u64(0..120);
            world.run(ms(pause));
        }
        world.faults = Faults::NONE;
        world.run(ms(8_000));
        world.assert_equal(0, "p");
        world.assert_equal(0, "q");
        let transactions = &world.followers[0].transactions;
        together += transactions.iter().filter(|tables| tables.len() == 2).count();
    }
    // The others came with snapshots, which are smaller than what was lost.
    assert!(together > 150, "{together} commits were applied together");
}

#[test]
fn a_commit_of_which_one_table_is_refused_changes_none() {
    let mut world = world(7, TableOptions::default());
    let mut effects = vec![];
    let good = (stream("p"), TableChange::Rows(vec![row(1, 1)]));
    for bad in [
        (stream("q"), TableChange::Rows(vec![Row::parse("[]").unwrap()])),
        (stream("p"), TableChange::Rows(vec![])),
        (stream("r"), TableChange::Rows(vec![])),
    ] {
        assert!(world.publisher.commit(vec![good.clone(), bad], &mut effects).is_err());
    }
    assert!(effects.is_empty());
    assert_eq!(world.publisher.rows(&stream("p")).unwrap(), []);
    assert_eq!(world.publisher.position(&stream("p")).unwrap().sequence, 0);
}
