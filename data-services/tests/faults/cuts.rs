//! Networks that are cut, in one direction or both, and healed; and two nodes of one name.

use std::time::Duration;

use faulty_driver::Faults;
use pubsub_api::{Error, ErrorKind};
use tokio::time::timeout;

use crate::station::{How, Role};
use crate::truth::edit;
use crate::world::World;

/// How long a node that must not be on the bus may stay there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Four nodes that publish and subscribe, and have each other's tables.
async fn four_nodes(seed: u64) -> World {
    let mut world = World::mesh(seed);
    for name in ["a", "b", "c", "d"] {
        world.start(name, Role::All).await;
        world.station(name).commit(&["left", "right"], How::Whole, edit(seed)).await;
    }
    world.repair().await;
    world
}

/// Everyone publishes and calls for a while.
async fn work(world: &World, seconds: u64) {
    for round in 0..seconds * 2 {
        for (from, to) in [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")] {
            world.station(from).commit(&["left", "right"], How::Difference, edit(round)).await;
            world.station(from).call(to, Duration::from_millis(200), Duration::from_secs(10), None);
        }
        world.run(Duration::from_millis(500)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_partition_of_thirty_seconds_heals() {
    for (seed, loss) in [(1, 0.0), (2, 0.1)] {
        let world = four_nodes(seed).await;
        world.network.set_faults(Faults { loss, ..Faults::NONE });
        world.network.partition(&["a", "b"], &["c", "d"]);
        work(&world, 30).await;
        let lost = world.record.lock().calls.ended.values().filter(|ended| ended[0].outcome.is_err()).count();
        assert!(lost > 0, "calls across the cut fail");
        world.repair().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_of_one_direction_makes_the_deaf_end_stale_and_heals() {
    let world = four_nodes(3).await;
    world.network.cut("a", "b");
    for round in 0..40 {
        world.station("a").commit(&["alone"], How::Difference, edit(round)).await;
        world.station("b").call("a", Duration::ZERO, Duration::from_secs(10), None);
        world.run(Duration::from_millis(500)).await;
    }
    for replica in &world.station("b").replicas {
        let replica = replica.lock().unwrap().clone();
        assert!(replica.views.get("a").is_none_or(|view| !view.is_live), "b has live rows of a");
    }
    world.repair().await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_table_of_a_transaction_is_live_only_with_its_rows() {
    let world = four_nodes(3).await;
    world.network.cut("a", "b");
    work(&world, 20).await;
    world.repair().await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_link_that_is_reported_is_repaired() {
    let world = four_nodes(4).await;
    world.network.break_link("a", "c");
    work(&world, 10).await;
    world.network.restore_link("a", "c");
    work(&world, 2).await;
    world.repair().await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_stops_for_thirty_seconds_is_survived() {
    let mut world = World::broker(5);
    for name in ["a", "b", "c", "d"] {
        world.start(name, Role::All).await;
    }
    world.network.stop_broker();
    work(&world, 30).await;
    world.network.start_broker();
    world.repair().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_node_of_one_name_is_refused_and_harms_nobody() {
    for loss in [0.0, 0.2] {
        let world = four_nodes(6).await;
        world.network.set_faults(Faults { loss, ..Faults::NONE });
        let instance = world.station("b").node.instance().instance.to_string();
        let error = match world.join("b", "impostor").await {
            Err(error) => error,
            // It has settled before it heard of the other.
            Ok((node, _)) => timeout(PATIENCE, node.ended()).await.unwrap(),
        };
        check_refusal(&error, &instance);
        work(&world, 5).await;
        world.repair().await;
        assert_eq!(world.station("b").node.instance().instance.to_string(), instance);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_the_join_is_the_same_error_as_one_before() {
    for (mut world, others) in [(World::mesh(7), &["a", "b"]), (World::broker(7), &["a", "b"])] {
        for name in others {
            world.start(name, Role::All).await;
        }
        let instance = world.station("b").node.instance().instance.to_string();
        world.network.partition(&["impostor"], others);
        let (impostor, _driver) = world.join("b", "impostor").await.unwrap();
        world.network.heal();
        let error = timeout(PATIENCE, impostor.ended()).await.unwrap();
        check_refusal(&error, &instance);
        assert_eq!(impostor.report().await.unwrap_err().kind(), ErrorKind::Closed);
        world.repair().await;
    }
}

/// The refusal of a node whose id another instance has.
fn check_refusal(error: &Error, instance: &str) {
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert!(error.to_string().contains(instance), "the refusal names the other instance {instance}: {error}");
}
