//! Everything at random, with seeds: after each update the rows are those of the publisher at that position, no stream is
//! live while it misses something that it knows of, and when the faults end all rows are equal.

use std::time::Duration;

use super::network::Faults;
use super::world::{World, first_column, ms, row, stream};
use crate::tables::{TableChange, TableOptions};
use crate::{Difference, Instance, KeyColumns};

const TABLES: [&str; 2] = ["p", "q"];

fn declare(world: &mut World) {
    world.declare("p", first_column());
    let key = if world.rng.bool() { KeyColumns::Row } else { first_column() };
    world.declare("q", key);
}

fn change(world: &mut World) -> TableChange {
    let keys = world.rng.u64(1..12);
    let values = world.rng.u64(1..4);
    if world.rng.bool() {
        let rows = (0..keys).filter(|_| world.rng.bool()).collect::<Vec<_>>();
        return TableChange::Rows(rows.into_iter().map(|key| row(key, values)).collect());
    }
    let key = world.rng.u64(0..12);
    let put = if world.rng.bool() { vec![row(key, values)] } else { vec![] };
    let other = KeyColumns::Positions(vec![0]).key_of(&row(key + 1, 0)).unwrap();
    let deleted = if world.rng.bool() { vec![other] } else { vec![] };
    TableChange::Difference(Difference { put, deleted })
}

fn publish(world: &mut World) {
    if world.publisher.rows(&stream("p")).is_none() {
        return;
    }
    let changes = match world.rng.u32(0..3) {
        0 => vec![("p", change(world))],
        1 => vec![("q", change(world))],
        _ => vec![("p", change(world)), ("q", change(world))],
    };
    world.commit(changes);
}

fn set_up(world: &mut World, is_up: bool) {
    for follower in 0..world.followers.len() {
        let mut effects = vec![];
        let now = world.now;
        world.followers[follower].tables.publisher_state(now, Instance::of(1), is_up, &mut effects);
        world.followed(follower, effects);
    }
}

fn toggle(world: &mut World) {
    let follower = world.rng.usize(0..world.followers.len());
    let table = TABLES[world.rng.usize(0..2)];
    if world.followers[follower].tables.rows(&stream(table)).is_some() {
        world.unfollow(follower, table);
    } else {
        let late = world.rng.u64(0..300);
        world.follow_late(follower, table, ms(late));
    }
}

fn step(world: &mut World) {
    match world.rng.u32(0..40) {
        0 => world.publisher.withdraw(&stream("p").service),
        1 | 2 => declare(world),
        3 => {
            world.is_cut = !world.is_cut;
            let is_noticed = world.rng.bool();
            if is_noticed || !world.is_cut {
                set_up(world, !world.is_cut);
            }
        }
        4 => world.has_heartbeats = !world.has_heartbeats,
        5 => {
            let delay = ms(world.rng.u64(1..250));
            world.faults = Faults { loss: world.rng.u32(0..50), duplication: world.rng.u32(0..30), delay };
        }
        6 => {
            let follower = world.rng.usize(0..world.followers.len());
            let (mut effects, now) = (vec![], world.now);
            world.followers[follower].tables.links_reset(now, &mut effects);
            world.followed(follower, effects);
        }
        7..=10 => toggle(world),
        11..=25 => publish(world),
        26 | 27 => world.run(ms(6_000)),
        _ => {
            let time = world.rng.u64(0..700);
            world.run(ms(time));
        }
    }
}

fn history(seed: u64) {
    let options = TableOptions {
        ring_bytes: [200, 600, 4_000][usize::try_from(seed % 3).unwrap()],
        part_bytes: 150,
        ..TableOptions::default()
    };
    let mut world = World::with_options(2, seed, options);
    if world.rng.bool() {
        declare(&mut world);
    }
    for _ in 0..150 {
        step(&mut world);
    }
    world.faults = Faults::NONE;
    world.is_cut = false;
    world.has_heartbeats = true;
    set_up(&mut world, true);
    if world.publisher.rows(&stream("p")).is_none() {
        declare(&mut world);
        publish(&mut world);
    }
    world.run(Duration::from_secs(12));
    for follower in 0..2 {
        for table in TABLES {
            if world.followers[follower].tables.rows(&stream(table)).is_some() {
                world.assert_equal(follower, table);
            }
        }
    }
}

#[test]
fn whatever_fails_rows_are_never_wrong_nor_silently_old_and_equal_in_the_end() {
    let failed: Vec<u64> =
        (0..400).filter(|seed| std::panic::catch_unwind(|| history(*seed)).is_err()).collect();
    assert!(failed.is_empty(), "seeds {failed:?}");
}
