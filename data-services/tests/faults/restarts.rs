//! One node of each kind crashes, or leaves, and starts again, while packets are lost.

use std::time::Duration;

use fastrand::Rng;
use faulty_driver::Faults;

use crate::station::{How, Role};
use crate::truth::edit;
use crate::world::World;

/// How a node ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Crash,
    Goodbye,
}

/// A seed without tables, two publishers, two subscribers, a caller and a callee.
const NODES: [(&str, Role); 7] = [
    ("a", Role::Calls),
    ("publisher-1", Role::Publisher),
    ("publisher-2", Role::Publisher),
    ("subscriber-1", Role::Subscriber),
    ("subscriber-2", Role::Subscriber),
    ("caller", Role::Calls),
    ("callee", Role::Calls),
];

/// Restarts one node three times at random moments while the others work.
async fn restarting(name: &str, end: End, seed: u64) {
    let mut world = World::mesh(seed);
    let mut rng = Rng::with_seed(seed);
    for (node, role) in NODES {
        world.start(node, role).await;
    }
    world.network.set_faults(Faults { loss: 0.1, duplication: 0.1, ..Faults::NONE });
    for round in 0..3 {
        work(&world, &mut rng, round).await;
        match end {
            End::Crash => world.crash(name).await,
            End::Goodbye => world.leave(name).await,
        }
        let role = NODES.iter().find(|(node, _)| *node == name).unwrap().1;
        if rng.bool() {
            work(&world, &mut rng, round + 100).await;
        }
        world.start(name, role).await;
    }
    work(&world, &mut rng, 1_000).await;
    world.repair().await;
    let events = world.record.lock();
    assert!(events.calls.ended.values().any(|ended| ended[0].outcome.is_ok()), "no call succeeded");
}

/// Everyone that runs works for up to two seconds.
async fn work(world: &World, rng: &mut Rng, round: u64) {
    for step in 0..rng.u64(1..20) {
        for station in world.stations.values() {
            match station.role {
                Role::Publisher | Role::All => {
                    station.commit(&["left", "right"], How::Difference, edit(round * 100 + step)).await;
                }
                Role::Calls if station.name == "caller" => {
                    let takes = Duration::from_millis(rng.u64(..1_000));
                    station.call("callee", takes, Duration::from_secs(15), None);
                }
                Role::Calls | Role::Subscriber => {}
            }
        }
        world.run(Duration::from_millis(100)).await;
    }
}

macro_rules! restarts {
    ($($case:ident: $node:literal, $end:expr;)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $case() {
            for seed in 0..2 {
                restarting($node, $end, seed).await;
            }
        })*
    };
}

restarts! {
    the_seed_crashes: "a", End::Crash;
    the_seed_leaves: "a", End::Goodbye;
    a_publisher_crashes: "publisher-1", End::Crash;
    a_publisher_leaves: "publisher-1", End::Goodbye;
    a_subscriber_crashes: "subscriber-1", End::Crash;
    a_subscriber_leaves: "subscriber-1", End::Goodbye;
    a_caller_crashes: "caller", End::Crash;
    a_caller_leaves: "caller", End::Goodbye;
    a_callee_crashes: "callee", End::Crash;
    a_callee_leaves: "callee", End::Goodbye;
}
