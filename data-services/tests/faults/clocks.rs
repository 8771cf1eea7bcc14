//! Wall clocks that jump by hours, and that differ between hosts.
//!
//! A node reads its wall clock once, when it starts, to order the starts of one node id. So a jump counts only between two
//! starts; everything else is measured with the monotonic clock, and clippy refuses the wall clock elsewhere.

use std::time::Duration;

use data_services::Instance;

use crate::station::{How, Role};
use crate::truth::edit;
use crate::world::World;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// The time at which the wall clocks were right, in microseconds since 1970.
const RIGHT: u64 = 1_767_225_600_000_000;

fn hours_from_right(hours: i64) -> u64 {
    RIGHT.saturating_add_signed(hours * 3_600_000_000)
}

async fn start(world: &mut World, name: &str, hours: i64) {
    world
        .start_with(name, Role::All, |options| {
            options.start = Some((Instance::of(1), hours_from_right(hours)))
        })
        .await;
    world.station(name).commit(&["left", "right"], How::Whole, edit(1)).await;
}

/// Everyone publishes and calls for a while.
async fn work(world: &World) {
    for round in 0..8 {
        for (from, to) in [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")] {
            world.station(from).commit(&["left", "right"], How::Difference, edit(round)).await;
            world.station(from).call(to, Duration::from_millis(200), Duration::from_secs(10), None);
        }
        world.run(Duration::from_millis(250)).await;
    }
}

/// Nodes whose clocks differ by hours start again with clocks that went on, or back, by hours.
async fn jumping(mut world: World, crashes: bool) {
    for (name, hours) in NAMES.into_iter().zip([0, 9, -9, 1]) {
        start(&mut world, name, hours).await;
    }
    world.repair().await;
    for (name, hours) in [("a", 12), ("b", -12), ("c", 30), ("d", -30), ("a", -48), ("b", 48)] {
        work(&world).await;
        match crashes {
            true => world.crash(name).await,
            false => world.leave(name).await,
        }
        start(&mut world, name, hours).await;
        world.repair().await;
        assert_eq!(world.refusals, 0, "{name} was refused when its clock jumped to {hours} h");
    }
    let events = world.record.lock();
    let failed = events.calls.ended.values().filter(|ended| ended[0].outcome.is_err()).count();
    assert!(crashes || failed == 0, "{failed} calls failed");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_crashed_and_whose_clock_jumped_by_hours_is_not_refused_and_has_its_tables_followed() {
    jumping(World::mesh(9), true).await;
    jumping(World::broker(9), true).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_left_and_whose_clock_jumped_by_hours_is_not_refused_and_ends_no_call() {
    jumping(World::mesh(10), false).await;
    jumping(World::broker(10), false).await;
}
